"""Checks a signed caller identity with other people's code: python3-jwt reads and verifies the token,
python3-cryptography the certificates. Arguments: the chain, the Identity header, the Date header."""

import base64
import email.utils
import json
import sys
import uuid

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

chain, identity, date = sys.argv[1:]
mark = b"-----END CERTIFICATE-----"
parts = [part + mark for part in open(chain, "rb").read().split(mark) if part.strip()]
own, authority = (x509.load_pem_x509_certificate(part) for part in parts)

# The certificate: of the authority, and for telephone numbers (RFC 8226 section 9).
assert own.issuer == authority.subject
authority.public_key().verify(
    own.signature, own.tbs_certificate_bytes, ec.ECDSA(own.signature_hash_algorithm)
)
assert own.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26"))
key = own.public_key()
assert isinstance(key.curve, ec.SECP256R1)

# The token, under the key of the certificate (RFC 8224 section 4, RFC 8225 section 8).
token, *parameters = identity.split(";")
claims = jwt.decode(token, key, algorithms=["ES256"], options={"require": ["iat"]})
header = jwt.get_unverified_header(token)
for part, said in zip(token.split("."), (header, claims)):
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
    assert raw == json.dumps(said, sort_keys=True, separators=(",", ":")), "RFC 8225 section 9"
assert parameters == ["info=<%s>" % header["x5u"], "alg=ES256", "ppt=shaken"]

# Its header and claims (RFC 8225 sections 4 and 5, RFC 8588 sections 4 and 5), and its date.
assert header == {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": header["x5u"]}
assert set(claims) == {"attest", "dest", "iat", "orig", "origid"}
assert claims["attest"] in ("A", "B", "C") and type(claims["iat"]) is int
assert set(claims["orig"]) == {"tn"} and claims["orig"]["tn"].isdigit()
assert set(claims["dest"]) == {"tn"} and all(tn.isdigit() for tn in claims["dest"]["tn"])
uuid.UUID(claims["origid"])
assert email.utils.parsedate_to_datetime(date).timestamp() == claims["iat"]
term = (own.not_valid_before, own.not_valid_after)
iat = email.utils.parsedate_to_datetime(date).replace(tzinfo=None)
assert term[0] <= iat <= term[1]
print(header["x5u"], claims["attest"], claims["orig"]["tn"], claims["dest"]["tn"][0], claims["iat"])
