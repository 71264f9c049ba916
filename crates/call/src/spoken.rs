//! Scripts, sentence by sentence. Who renders them knows where to pause.

use alloc::vec::Vec;
use model::{Language, Phrase, PromptId, Script};

use crate::io::Price;

/// A script that is being put together.
#[derive(Debug)]
pub(crate) struct Spoken {
    script: Script,
}

impl Spoken {
    pub(crate) fn new(language: Language) -> Self {
        Self { script: Script { language, phrases: Vec::new() } }
    }

    pub(crate) fn phrases(mut self, phrases: impl IntoIterator<Item = Phrase>) -> Self {
        self.script.phrases.extend(phrases);
        self
    }

    /// Adds sentences of the pack.
    pub(crate) fn prompts(self, prompts: impl IntoIterator<Item = PromptId>) -> Self {
        self.phrases(prompts.into_iter().map(Phrase::Prompt))
    }

    /// Adds a sentence of the pack in the other language.
    pub(crate) fn in_other(self, id: PromptId) -> Self {
        self.phrases([Phrase::PromptInOther(id)])
    }

    /// Adds the price: `costs` and the amount per minute, or that the call is free.
    pub(crate) fn price(self, costs: PromptId, price: Price) -> Self {
        match price {
            Price::Free => self.prompts([PromptId::CallIsFree]),
            Price::PerMinute(amount) => self.phrases([
                Phrase::Prompt(costs),
                Phrase::Amount(amount),
                Phrase::Prompt(PromptId::PerMinute),
            ]),
        }
    }

    pub(crate) fn script(self) -> Script {
        self.script
    }
}
