//! OpenSSL as an authority that stamps times (RFC 3161), behind a small server on the loopback.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use crate::process::openssl;

/// An authority in a folder.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
    /// Where it is asked.
    pub(crate) url: String,
}

impl Authority {
    /// Makes one, which answers until the tests end.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let settings = SETTINGS.replace("{dir}", path.to_str().unwrap());
        fs::write(path.join("tsa.cnf"), settings).unwrap();
        fs::write(path.join("serial"), "01\n").unwrap();
        for arguments in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
             -subj /CN=Stamps -days 30 -config tsa.cnf -extensions ca",
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr \
             -subj /CN=Stamper -config tsa.cnf",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 \
             -extfile tsa.cnf -extensions tsa",
        ] {
            openssl(&path, arguments);
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/tsr", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&path, stream.unwrap());
            }
        });
        Self { folder, url }
    }

    /// The certificate that its stamps lead up to.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn answer(folder: &Path, mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        // Whoever only looks whether somebody is there says nothing.
        if reader.read_line(&mut line).unwrap() == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        let head = line.to_ascii_lowercase();
        if let Some(value) = head.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query).unwrap();
    fs::write(folder.join("query"), query).unwrap();
    openssl(folder, "ts -reply -config tsa.cnf -section tsa_config -queryfile query -out answer");
    let body = fs::read(folder.join("answer")).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
}

const SETTINGS: &str = "
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = critical,timeStamping
[tsa_config]
dir = {dir}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/tsa.pem
signer_key = $dir/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
";
