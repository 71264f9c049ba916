//! `parlatory demo`: the calls of a fictional county, over real SIP and RTP on this machine.

mod authenticator;
mod child;
mod county;
mod disclosing;
mod exchange;
mod interrupt;
mod ladder;
mod my_phone;
mod phone;
mod scene;
mod stage;
mod summary;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use crate::{cli::DemoArgs, clock::clock, data::Data, init, print::line, provision};
use anyhow::{Context, Result, anyhow, bail};
use child::NodeProcess;
use disclosing::{Disclosed, Staff};
use exchange::{Account, Exchange};
use interrupt::Interrupt;
use ladder::Ladder;
use media::Pack;
use model::Clock;
use my_phone::{Credentials, MyPhone};
use scene::{Place, SCENES, Scene, play};
use summary::Summary;

/// Shows the calls.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    if let Some(secret) = &args.code {
        line(&disclosing::code_of(secret, &clock())?);
        return Ok(());
    }
    let folder = Folder::make(args.data.clone())?;
    let interrupt = Interrupt::listen(folder.vanishes.clone())?;
    let clock = clock();
    let demo = Demo::prepare(args, &folder.data, &clock)?;
    let outcome = demo.run(args, &interrupt);
    demo.end();
    match outcome {
        // The folder of a demo that failed is kept: its log says why.
        Err(error) => {
            Err(error.context(format!("the demo failed; see `{}`", folder.keep().display())))
        }
        Ok(()) => Ok(()),
    }
}

/// Everything of the demo except the node process.
struct Demo {
    data: Data,
    clock: Clock,
    ladder: Arc<Ladder>,
    inside: Exchange,
    outside: Exchange,
    my_phone: Option<MyPhone>,
}

impl Demo {
    fn prepare(args: &DemoArgs, data: &Data, clock: &Clock) -> Result<Self> {
        let ip = if args.my_phone { args.listen } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
        let pack = Arc::new(Pack::builtin().context("the built-in prompts do not read")?);
        let account = Credentials::new(args.my_phone)?;
        let port = |wanted| SocketAddr::new(ip, if args.my_phone { wanted } else { 0 });
        let start =
            |sip, ports, account| Exchange::start(sip, ports, account, Arc::clone(&pack), clock);
        let inside = start(port(0), INSIDE_PORTS, Account::default())?;
        let outside = start(port(my_phone::TRUNK_PORT), OUTSIDE_PORTS, account.at_exchange())?;
        let sip = port(my_phone::NODE_PORT);
        let drain_seconds = DRAIN_SECONDS;
        let (ports, publish_seconds) = (NODE_PORTS, PUBLISH_SECONDS);
        let console = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let addresses =
            init::Addresses { sip, audio: ip, ports, drain_seconds, publish_seconds, console };
        init::create(data, addresses)?;
        let file = county::write(data, inside.address(), outside.address(), &account)?;
        provision::apply(data, &file, clock.now())?;
        let my_phone = account.start(&outside);
        let ladder = Arc::new(Ladder::new(&SCENES, args.json));
        let (data, clock) = (data.clone(), clock.clone());
        Ok(Self { data, clock, ladder, inside, outside, my_phone })
    }

    fn run(&self, args: &DemoArgs, interrupt: &Interrupt) -> Result<()> {
        let node = self.start_node(interrupt)?;
        self.ladder.announce(&format!(
            "A node takes calls for Cedar County at {} (process {}). {} calls, in real time:\n",
            node.sip,
            node.id(),
            SCENES.len()
        ));
        if let Some(my_phone) = &self.my_phone {
            my_phone.print(node.sip, self.outside.address());
        }
        let staff = Staff::begin(&node.console, &self.data, &self.clock)
            .context("the county's staff cannot be let in")?;
        let (parallel, last) = SCENES.split_at(SCENES.len() - 1);
        let followed = thread::scope(|scope| {
            let followed = scope.spawn(|| self.follow(&staff, &node));
            let cut = scope.spawn(|| self.cut(&staff, &node));
            let played = self.play_parallel(parallel, &node);
            let followed = followed.join().map_err(|_| anyhow!("following a call is broken"));
            let cut = cut.join().map_err(|_| anyhow!("cutting a call is broken"));
            played.and(cut?).and(followed?)
        })?;
        let [killed] = last else { bail!("the demo has no last scene") };
        let node = self.play_killed(killed, node, interrupt)?;
        let mut disclosed = vec![followed];
        let [first, ..] = &SCENES[..] else { bail!("the demo has no scene") };
        disclosed.extend(staff.look(&node.console, first.station)?);
        self.report(args, &disclosed)?;
        if args.once || args.json {
            return node.stop();
        }
        line("");
        // Whoever names a folder may go on with it, and nobody shall know how its staff log in.
        if args.data.is_none() {
            staff.hand_over(self.data.root(), &node.console)?.iter().for_each(|it| line(it));
            line("");
        }
        line(&format!("The node stays up at {}; Ctrl-C ends it.", node.sip));
        interrupt.wait();
        node.stop()
    }

    fn start_node(&self, interrupt: &Interrupt) -> Result<NodeProcess> {
        let ladder = Arc::clone(&self.ladder);
        let node = NodeProcess::start(&self.data, move |step| ladder.step(&step))?;
        interrupt.runs(node.id());
        Ok(node)
    }

    /// Lets the county's investigator hear the first call while it goes on.
    fn follow(&self, staff: &Staff, node: &NodeProcess) -> Result<Disclosed> {
        let [scene, ..] = &SCENES[..] else { bail!("the demo has no scene") };
        if !self.ladder.wait_for(scene.station, "talk", CALL) {
            bail!("`{}`: nobody talked", scene.name);
        }
        staff.follow(&node.console, scene.station)
    }

    /// Lets the county's supervisor end a call while it goes on.
    fn cut(&self, staff: &Staff, node: &NodeProcess) -> Result<()> {
        let scene = SCENES.iter().find(|scene| scene.name == CUT).context("nobody is cut")?;
        if !self.ladder.wait_for(scene.station, "talk", CALL) {
            bail!("`{}`: nobody talked", scene.name);
        }
        pause(TALK_BEFORE_CUT);
        staff.cut(&node.console, scene.station)
    }

    fn place(&self, node: &NodeProcess) -> Place {
        let (inside, outside) = (self.inside.clone(), self.outside.clone());
        Place { inside, outside, node: node.sip, talk: TALK }
    }

    fn play_parallel(&self, scenes: &'static [Scene], node: &NodeProcess) -> Result<()> {
        // Calls to one number are placed one after the other.
        let running: Vec<_> = scenes
            .chunk_by(|one, next| one.dials == next.dials)
            .map(|scenes| {
                let place = self.place(node);
                thread::spawn(move || scenes.iter().try_for_each(|scene| play(scene, &place)))
            })
            .collect();
        for scene in running {
            scene.join().map_err(|_| anyhow!("a scene of the demo is broken"))??;
        }
        Ok(())
    }

    /// Plays a scene, kills the node in mid-call and starts it again.
    fn play_killed(
        &self,
        scene: &'static Scene,
        node: NodeProcess,
        interrupt: &Interrupt,
    ) -> Result<NodeProcess> {
        let mut place = self.place(&node);
        place.talk = TALK_KILLED;
        let playing = thread::spawn(move || play(scene, &place));
        if !self.ladder.wait_for(scene.station, "talk", CALL) {
            let why = playing.join().map_err(|_| anyhow!("a scene of the demo is broken"))?;
            why?;
            bail!("`{}`: nobody talked", scene.name);
        }
        pause(TALK_BEFORE_KILL);
        let id = node.id();
        node.kill()?;
        self.ladder
            .announce(&format!("\n  The node (process {id}) is killed with SIGKILL in mid-call."));
        let node = self.start_node(interrupt)?;
        self.ladder.announce(&format!(
            "  It is started again (process {}), and has settled what it found.",
            node.id()
        ));
        playing.join().map_err(|_| anyhow!("a scene of the demo is broken"))??;
        Ok(node)
    }

    fn report(&self, args: &DemoArgs, disclosed: &[Disclosed]) -> Result<()> {
        let summary = Summary::read(&self.data, &SCENES, disclosed)?;
        if args.json {
            line(&serde_json::to_string_pretty(&summary)?);
        } else {
            summary.print();
            line("");
            line(
                "  Custody: solo. Both keyholders' keys lie on this machine, so its operator could open",
            );
            line("  the recordings without any of this.");
            let stays = args.data.is_some() || !args.once;
            Self::tell_checks(stays.then(|| self.data.root()));
        }
        Ok(())
    }

    /// How the reader checks what the node says of itself, in its folder if that is still there.
    fn tell_checks(folder: Option<&Path>) {
        line("");
        line(if folder.is_some() {
            "  Do not take its word for it. As an outsider with the log's key, and as its auditor:"
        } else {
            "  Do not take its word for it: `--data FOLDER` keeps everything. Then, as an outsider with \
             the log's key, and as its auditor:"
        });
        let folder = folder.map_or_else(|| "FOLDER".to_owned(), |path| path.display().to_string());
        let program = disclosing::program();
        line(&format!("    {program} verify {folder}/log --key {folder}/log.vkey"));
        line(&format!("    {program} audit --data {folder}"));
    }

    fn end(&self) {
        self.inside.stop();
        self.outside.stop();
    }
}

/// Lets time pass. Nobody sends anything; a parked thread could be woken by what it waited for
/// before.
fn pause(time: Duration) {
    let (_silent, never) = mpsc::channel::<()>();
    let _ = never.recv_timeout(time);
}

/// The demo's data folder: the reader's, or one that vanishes.
struct Folder {
    data: Data,
    vanishes: Option<PathBuf>,
}

impl Folder {
    fn make(wanted: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = wanted {
            if path.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
                bail!("`{}` is not empty: name a folder for the demo alone", path.display());
            }
            return Ok(Self { data: Data::at(path), vanishes: None });
        }
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).context("the operating system gives no randomness")?;
        let name = format!("parlatory-demo-{:016x}", u64::from_le_bytes(random));
        let path = std::env::temp_dir().join(name);
        Ok(Self { data: Data::at(&path), vanishes: Some(path) })
    }

    /// Keeps the folder, and says where it is.
    fn keep(mut self) -> PathBuf {
        self.vanishes = None;
        self.data.root().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(path) = &self.vanishes {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// A demo that ends does not wait for long.
const DRAIN_SECONDS: u64 = 2;
/// Nobody is to be hidden here, and the reader wants to look at the log.
const PUBLISH_SECONDS: u64 = 5;
const NODE_PORTS: [u16; 2] = [42_000, 43_999];
const INSIDE_PORTS: std::ops::RangeInclusive<u16> = 44_000..=44_999;
const OUTSIDE_PORTS: std::ops::RangeInclusive<u16> = 45_000..=45_999;
/// How long people talk.
const TALK: Duration = Duration::from_secs(8);
/// The call that staff end, and when.
const CUT: &str = "cut_by_staff";
const TALK_BEFORE_CUT: Duration = Duration::from_secs(3);
const TALK_KILLED: Duration = Duration::from_secs(15);
/// Long enough for a mark in the journal, up to which the call is charged.
const TALK_BEFORE_KILL: Duration = Duration::from_secs(8);
const CALL: Duration = Duration::from_secs(90);
