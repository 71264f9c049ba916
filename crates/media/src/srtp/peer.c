/* The other end of the tests: libsrtp. Reads lines "seal|open rtp|rtcp HEX" and answers each with
   HEX, or with "no". Arguments: suite, master key and salt in hex. */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unhex(const char *text, unsigned char *out) {
    int length = 0;
    unsigned octet;
    for (; sscanf(text, "%2x", &octet) == 1; text += 2) out[length++] = (unsigned char)octet;
    return length;
}

int main(int count, char **words) {
    static unsigned char key[64], packet[4096];
    static char line[8192], hex[8192];
    srtp_t seal, open;
    srtp_policy_t policy;
    if (count != 3 || srtp_init()) return 1;
    memset(&policy, 0, sizeof policy);
    unhex(words[2], key);
    if (!strcmp(words[1], "AES_CM_128_HMAC_SHA1_80")) {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    } else if (!strcmp(words[1], "AEAD_AES_128_GCM")) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    }
    policy.key = key;
    policy.window_size = 128;
    policy.ssrc.type = ssrc_any_outbound;
    if (srtp_create(&seal, &policy)) return 2;
    policy.ssrc.type = ssrc_any_inbound;
    if (srtp_create(&open, &policy)) return 3;
    while (fgets(line, sizeof line, stdin)) {
        char what[8], kind[8];
        if (sscanf(line, "%7s %7s %8191s", what, kind, hex) != 3) return 4;
        int length = unhex(hex, packet);
        int rtp = !strcmp(kind, "rtp");
        srtp_err_status_t status;
        if (!strcmp(what, "seal"))
            status = rtp ? srtp_protect(seal, packet, &length) : srtp_protect_rtcp(seal, packet, &length);
        else
            status = rtp ? srtp_unprotect(open, packet, &length) : srtp_unprotect_rtcp(open, packet, &length);
        if (status) {
            puts("no");
        } else {
            for (int at = 0; at < length; at++) printf("%02x", packet[at]);
            puts("");
        }
        fflush(stdout);
    }
    return 0;
}
