//! What people read: the page on top of a package, in English and Spanish, and the draft of a
//! certificate.

use crate::{
    manifest::{Audience, Custody, TimeStamp, hex},
    package::Contents,
    record,
};
use access::Receipt;
use std::fmt::Write as _;

/// `README.txt`.
pub(crate) fn readme(receipt: &Receipt, contents: &Contents<'_>) -> String {
    let mut text = README.replace("{query}", contents.query);
    for (name, value) in fields(receipt, contents) {
        text = text.replace(name, &value);
    }
    text.push_str(match contents.custody {
        Custody::Solo => SOLO,
        Custody::Split => SPLIT,
        Custody::SplitWithWitnesses => WITNESSED,
    });
    for copy in contents.copies {
        let _ = writeln!(
            text,
            "  entry {}: {}, as {}, for {}, {}",
            copy.entry, copy.what, copy.role, copy.purpose, copy.at_utc
        );
    }
    if contents.copies.is_empty() {
        text.push_str("  nobody\n");
    }
    text
}

/// `LEAME.txt`.
pub(crate) fn leame(receipt: &Receipt, contents: &Contents<'_>) -> String {
    let mut text = LEAME.replace("{query}", contents.query);
    for (name, value) in fields(receipt, contents) {
        text = text.replace(name, &value);
    }
    text.push_str(match contents.custody {
        Custody::Solo => SOLO_ES,
        Custody::Split => SPLIT_ES,
        Custody::SplitWithWitnesses => WITNESSED_ES,
    });
    text
}

/// A draft after Federal Rules of Evidence 902(13) and (14). Nobody but a qualified person can
/// make it a certificate, by checking and signing it.
pub(crate) fn certificate(receipt: &Receipt, contents: &Contents<'_>) -> String {
    let mut text = CERTIFICATE.to_owned();
    for (name, value) in fields(receipt, contents) {
        text = text.replace(name, &value);
    }
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
pub(crate) fn receipt_form(receipt: &Receipt, contents: &Contents<'_>) -> String {
    let mut text = RECEIPT.to_owned();
    for (name, value) in fields(receipt, contents) {
        text = text.replace(name, &value);
    }
    text
}

/// What a reader must not overlook.
pub(crate) fn notices(contents: &Contents<'_>) -> Vec<String> {
    let mut notices = vec![
        "Calls with counsel and other protected lines are never recorded, and are not among the \
         records unless the purpose says so."
            .to_owned(),
        "Each row number is of this package alone: a row found elsewhere with it came from here."
            .to_owned(),
    ];
    if contents.audience == Audience::PublicRecords {
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
    if contents.clock.offset_us.is_none() {
        notices.push("Nobody measured how far the clock was off.".to_owned());
    }
    notices
}

fn fields(receipt: &Receipt, contents: &Contents<'_>) -> [(&'static str, String); 12] {
    let intent = receipt.intent();
    let checkpoint = receipt.checkpoint();
    [
        ("{entry}", receipt.index().to_string()),
        ("{staff}", intent.staff.0.to_string()),
        ("{role}", intent.role.word().to_owned()),
        ("{purpose}", intent.purpose.word().to_owned()),
        ("{case}", intent.case.expose().clone()),
        ("{asked}", record::utc(intent.asked)),
        ("{origin}", checkpoint.origin().to_owned()),
        ("{size}", checkpoint.size().to_string()),
        ("{key}", contents.verifier_key.to_owned()),
        ("{version}", contents.software.version.clone()),
        ("{build}", contents.software.sha256.clone()),
        ("{clock}", contents.clock.source.clone()),
    ]
}

const README: &str = "\
WHAT THIS IS

Records and recordings of telephone calls from a jail or prison, handed out by Parlatory.
Before anything in here left, it was entered in a log that outsiders can check: who asked,
why, and for exactly what. This package lets you check that yourself.

  asked for     {query}
  by            staff member {staff}, as {role}
  for           {purpose}, case {case}
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
const LEAME: &str = "\
QUÉ ES ESTO

Registros y grabaciones de llamadas telefónicas desde una cárcel o prisión, entregados por
Parlatory. Antes de que saliera nada de lo que hay aquí, quedó anotado en un registro que
cualquier persona de fuera puede comprobar: quién lo pidió, por qué y qué exactamente.

  se pidió      {query}
  por           miembro del personal {staff}, como {role}
  para          {purpose}, caso {case}
  cuándo        {asked}
  anotación     {entry} de {origin}

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
