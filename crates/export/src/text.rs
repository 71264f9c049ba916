//! What people read: the page on top of a package, in English and Spanish, and the draft of a
//! certificate.

use crate::{
    manifest::{Clock, Custody, TimeStamp, hex},
    package::Contents,
    record,
};
use access::{Audience, Demand, Query, Receipt};
use std::fmt::Write as _;

/// `README.txt`.
pub(crate) fn readme(receipt: &Receipt, demand: &Demand, contents: &Contents<'_>) -> String {
    let mut text = filled(README, &fields(receipt, demand, contents));
    text.push_str(match contents.custody {
        Custody::Solo => SOLO,
        Custody::Split => SPLIT,
        Custody::SplitWithWitnesses => WITNESSED,
    });
    for copy in contents.copies {
        let whom = Audience::from_word(copy.audience).map_or(copy.audience, Audience::title);
        let _ = writeln!(
            text,
            "  {whom}, on {}, entry {}: {}, handed out by staff as {}, for {}",
            copy.at_utc, copy.entry, copy.what, copy.role, copy.purpose
        );
    }
    if contents.copies.is_empty() {
        text.push_str("  nobody\n");
    }
    text.push_str(LATER);
    text
}

/// `LEAME.txt`.
pub(crate) fn leame(receipt: &Receipt, demand: &Demand, contents: &Contents<'_>) -> String {
    let mut text = filled(LEAME, &fields(receipt, demand, contents));
    text.push_str(match contents.custody {
        Custody::Solo => SOLO_ES,
        Custody::Split => SPLIT_ES,
        Custody::SplitWithWitnesses => WITNESSED_ES,
    });
    text
}

/// A draft after Federal Rules of Evidence 902(13) and (14). Nobody but a qualified person can
/// make it a certificate, by checking and signing it.
pub(crate) fn certificate(receipt: &Receipt, demand: &Demand, contents: &Contents<'_>) -> String {
    let mut text = filled(CERTIFICATE, &fields(receipt, demand, contents));
    for recording in contents.recordings {
        let _ = writeln!(
            text,
            "   recording {:016x}, begun {}, sealed file SHA-256 {}",
            recording.recording.0,
            record::utc(recording.begun),
            hex(&recording.sealed_sha256)
        );
    }
    text.push_str(SIGNATURE);
    text
}

/// A form for the recipient to sign, with a program or by hand.
pub(crate) fn receipt_form(receipt: &Receipt, demand: &Demand, contents: &Contents<'_>) -> String {
    filled(RECEIPT, &fields(receipt, demand, contents))
}

/// What a reader must not overlook.
pub(crate) fn notices(demand: &Demand, contents: &Contents<'_>) -> Vec<String> {
    let mut notices = vec![
        "Calls with counsel and other protected lines are never recorded, and are not among the \
         records unless the purpose says so."
            .to_owned(),
        "Each row number is of this package alone: a row found elsewhere with it came from here."
            .to_owned(),
    ];
    if demand.audience == Audience::PublicRecords {
        let text = "For the public, who called and which number were left out of every row.";
        notices.push(text.to_owned());
    }
    notices.push(match contents.time_stamp {
        TimeStamp::None(why) => format!("No outside authority stamped this with a time: {why}."),
        TimeStamp::Beside(who) => format!(
            "{who} stamped the manifest with a time: see manifest.tsr beside package.zip, and check \
             it against the authority's certificate."
        ),
    });
    notices.push(format!("The clock: {}.", clock(contents.clock)));
    notices
}

/// A template with its fields filled in, in one pass: what is filled in is not read again, so that
/// nobody's words become a field.
fn filled(template: &str, fields: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(2 * template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let field = after.split_once('}').and_then(|(name, rest)| {
            let (_, value) = fields.iter().find(|(field, _)| *field == name)?;
            Some((value, rest))
        });
        if let Some((value, after)) = field {
            text.push_str(value);
            rest = after;
        } else {
            text.push('{');
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

fn fields(
    receipt: &Receipt,
    demand: &Demand,
    contents: &Contents<'_>,
) -> [(&'static str, String); 15] {
    let intent = receipt.intent();
    let checkpoint = receipt.checkpoint();
    let note = demand.note.as_ref().map_or("-", |note| note.expose().as_str());
    [
        ("query", query(&demand.query)),
        ("note", note.to_owned()),
        ("audience", demand.audience.title().to_owned()),
        ("entry", receipt.index().to_string()),
        ("staff", intent.staff.0.to_string()),
        ("role", intent.role.word().to_owned()),
        ("purpose", intent.purpose.word().to_owned()),
        ("case", intent.case.expose().clone()),
        ("asked", record::utc(intent.asked)),
        ("origin", checkpoint.origin().to_owned()),
        ("size", checkpoint.size().to_string()),
        ("key", contents.verifier_key.to_owned()),
        ("version", contents.software.version.clone()),
        ("build", contents.software.sha256.clone()),
        ("clock", clock(contents.clock)),
    ]
}

/// What was looked for, in its one form: `line ordinary, person CC-1001`.
fn query(query: &Query) -> String {
    let mut words = format!("line {}", query.line.word());
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(words, ", {name} {value}");
        }
    };
    add("person", query.person.as_ref().map(|key| key.expose().clone()));
    add("number", query.number.map(|number| number.expose().display().to_string()));
    add("facility", query.facility.clone());
    add("station", query.station.clone());
    add("from", query.from.map(record::utc));
    add("until", query.until.map(record::utc));
    add("outcome", query.outcome.clone());
    add("recorded", query.recorded.map(|recorded| recorded.to_string()));
    words
}

/// How right the clock was, as far as anybody measured it.
fn clock(clock: &Clock) -> String {
    let state = match clock.synchronised {
        Some(true) => "in step with clocks outside",
        Some(false) => "not in step with any clock outside",
        None => "nobody could say whether it is in step with clocks outside",
    };
    let off = match (clock.offset_us, clock.error_max_us) {
        (Some(offset), Some(most)) => {
            format!("off by an estimated {offset} microseconds, at most by {most}")
        }
        (Some(offset), None) => format!("off by an estimated {offset} microseconds"),
        (None, Some(most)) => format!("off by at most {most} microseconds"),
        (None, None) => "nobody measured how far it was off".to_owned(),
    };
    format!("{}; {state}; {off}", clock.source)
}

const README: &str = "\
WHAT THIS IS

Records and recordings of telephone calls from a jail or prison, handed out by Parlatory.
Before anything in here left, it was entered in a log that outsiders can check: who asked,
why, and for exactly what. This package lets you check that yourself.

  for           {audience}
  looked for    {query}
  in words      {note}
  asked by      staff member {staff}, as {role}
  why           {purpose}, case {case}
  when          {asked}
  log entry     {entry} of {origin}

WHAT LIES WHERE

  records/      the call records, as a table (CSV) and for programs (JSON)
  audio/        each recording as a WAV file (left: the telephone in the facility, right: the
                party that was called), and the original audio octet for octet (.g711), with the
                time of every second (.json)
  proofs/       entries of the log, with what opens them and the proof that they stand there
  manifest.json everything about this package, with the hash of every file
  vcon.json     the same for programs that read vCon
  receipt-form.txt   how to sign that you have this, which protects you: it says what you had, and
                when, and what you never had
  certificate-902-draft.txt   a draft that a qualified person may check and sign
  verify.html   checks all of it

HOW IT WAS SEALED

This came in a sealed archive (ZIP with AES-256). Many programs that open ZIP files cannot open
that: use 7-Zip, or `parlatory package open`, which checks everything while it opens it.

HOW TO CHECK IT

Open verify.html in a browser and choose package.zip, the file all this came in. It works without a
network and sends nothing anywhere. It shows the key of the log: compare it with the one that
the agency, its auditor or a witness publishes. That comparison is the one step nobody can do
for you:

  {key}

WHAT IT PROVES, AND WHAT NOT

It proves that these files are those that were handed out, and that the handing out, and the end
of each recording, stood in the log of {size} entries. It does not prove what was said outside
these calls, nor that nobody else holds a copy from elsewhere.

";
const SOLO: &str = "\
Custody is SOLO: all keys are on one machine, so that whoever administers it could have opened
these recordings without the log.

WHO ELSE GOT A COPY, AS THE LOG HAS IT

";
const SPLIT: &str = "\
Custody is SPLIT: two keyholders, of whom neither opens anything alone, opened these recordings
against the entry in the log.

WHO ELSE GOT A COPY, AS THE LOG HAS IT

";
const WITNESSED: &str = "\
Custody is SPLIT WITH WITNESSES: two keyholders opened these recordings against the entry in the
log, and witnesses outside had seen that log.

WHO ELSE GOT A COPY, AS THE LOG HAS IT

";
const LATER: &str = "
That is as of this package. Who got a copy later, the agency tells you when you name the SHA-256 of
package.zip: `parlatory disclose copies --package SHA-256`, or ask its records office.
";
const LEAME: &str = "\
QUÉ ES ESTO

Registros y grabaciones de llamadas telefónicas desde una cárcel o prisión, entregados por
Parlatory. Antes de que saliera nada de lo que hay aquí, quedó anotado en un registro que
cualquier persona de fuera puede comprobar: quién lo pidió, por qué y qué exactamente.

  para quién    {audience}
  se buscó      {query}
  en palabras   {note}
  por           miembro del personal {staff}, como {role}
  motivo        {purpose}, caso {case}
  cuándo        {asked}
  anotación     {entry} de {origin}

CÓMO VENÍA CERRADO

Llegó en un archivo cerrado (ZIP con AES-256). Muchos programas no lo abren: use 7-Zip, o
`parlatory package open`, que lo comprueba todo al abrirlo.

CÓMO COMPROBARLO

Abra verify.html en un navegador y elija package.zip, el archivo en que llegó todo esto. Funciona
sin red y no envía nada a ninguna parte. Muestra la clave del registro: compárela con la que publica
la agencia, su auditor o un testigo:

  {key}

En audio/ está cada grabación como archivo WAV (izquierda: el teléfono del centro; derecha: la
persona llamada) y el audio original. En records/ están los registros de llamadas. manifest.json
dice quién más recibió una copia.

";
const SOLO_ES: &str = "\
La custodia es SOLO: todas las claves están en una máquina, y quien la administra habría podido
abrir estas grabaciones sin el registro.
";
const SPLIT_ES: &str = "\
La custodia es DIVIDIDA: dos depositarios, ninguno de los cuales abre nada solo, abrieron estas
grabaciones contra la anotación en el registro.
";
const WITNESSED_ES: &str = "\
La custodia es DIVIDIDA CON TESTIGOS: dos depositarios abrieron estas grabaciones contra la
anotación en el registro, y testigos de fuera habían visto ese registro.
";
const CERTIFICATE: &str = "\
DRAFT. NOT A CERTIFICATE UNTIL A QUALIFIED PERSON HAS CHECKED AND SIGNED IT.
A program filled in what it knows; it cannot know the rest, and it cannot sign.

CERTIFICATION OF RECORDS GENERATED BY AN ELECTRONIC PROCESS AND OF DATA COPIED FROM AN ELECTRONIC
DEVICE (Federal Rules of Evidence 902(13), 902(14), in the manner of 902(11))

I, ______________________________, state:

1. I am ______________________________ (position, employer), and qualified to make this
   certification by ______________________________ (training, experience).
2. The records and recordings in this package were made by Parlatory {version}, whose program has
   the SHA-256 {build}, at or near the time of each call, by a process that I know
   to work accurately, because ______________________________.
3. Its clock: {clock}.
4. They are true copies. Each file's SHA-256 and SHA-512 stand in manifest.json; I checked them
   with ______________________________ on ______________.
5. The disclosure is entry {entry} of the log {origin}, asked for on {asked}
   by staff member {staff}, for {purpose}, case {case}.
6. The recordings are:
";
const RECEIPT: &str = "\
RECEIPT FOR A PACKAGE OF CALL RECORDS

Whoever signs says that they have this package, and since when. The agency enters that in its log.
It binds both sides: you cannot be said to have had anything else, and nobody can hand out another
package in your name.

With a program. It needs no network; the key is made on the spot if you have none:

  parlatory package check package.zip --key LOG.VKEY
  parlatory package receive package.zip --key LOG.VKEY --sign-with recipient.key --to receipt.txt

Take LOG.VKEY from the agency, its auditor or a witness, and not out of this package. Send
receipt.txt to whoever handed you the package, and keep recipient.key. Tell them the key that the
program prints in another way than you send the receipt: by telephone, say.

By hand, where no program can be run:

  log                  {origin}
  entry                {entry}
  case                 {case}
  SHA-256 of package.zip   ________________________________________________________________
  received on              ______________________________
  by (name, office)        ______________________________
  signature                ______________________________
";
const SIGNATURE: &str = "
I declare under penalty of perjury that the foregoing is true and correct (28 U.S.C. 1746).

Executed on ______________          ______________________________
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_no_fields() {
        let fields = [("query", "{key} {entry} {".to_owned()), ("key", "vkey".to_owned())];
        let text = filled("a {query} {unknown} {key} {", &fields);
        assert_eq!(text, "a {key} {entry} { {unknown} vkey {");
    }

    #[test]
    fn every_field_of_a_text_is_filled_in() {
        let names = [
            "query", "note", "audience", "entry", "staff", "role", "purpose", "case", "asked",
            "origin", "size", "key", "version", "build", "clock",
        ];
        let fields: Vec<(&str, String)> = names.map(|name| (name, String::new())).to_vec();
        for template in [README, LEAME, CERTIFICATE, RECEIPT] {
            assert!(!filled(template, &fields).contains(['{', '}']));
        }
    }
}
