#include "fetch/pccs.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include "core/hex.h"
#include "core/utf8.h"

#define INTEL_URL       "https://api.trustedservices.intel.com"
#define INTEL_ROOT_CRL  "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

#define SGX_PATH        "/sgx/certification/v4"
#define TDX_PATH        "/tdx/certification/v4"

#define DOCUMENT_MAX_LEN        ((size_t)320 << 10)     /* 256 KiB, and its envelope    */
#define IDENTITY_MAX_LEN        ((size_t)128 << 10)     /* 64 KiB, and its envelope     */
#define PCK_CRL_MAX_LEN         ((size_t)4 << 20)
#define ROOT_CRL_MAX_LEN        ((size_t)513 << 10)     /* 256 KiB in hexadecimal       */
#define PCK_MAX_LEN             ((size_t)32 << 10)

#define TCBM_LEN        18

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
ends_with(struct bytes text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* Drops one trailing `end`, or all of them. */
static void
cut(struct bytes *text, const char *end, bool all)
{
	while (ends_with(*text, end)) {
		text->len -= strlen(end);
		if (!all)
			return;
	}
}

static struct bytes
trim(const char *text)
{
	struct bytes b = bytes_str(text);

	while (b.len != 0 && is_space((char)b.ptr[b.len - 1]))
		b.len--;
	while (b.len != 0 && is_space((char)b.ptr[0])) {
		b.ptr++;
		b.len--;
	}
	return b;
}

bool
pccs_base_read(char out[PCCS_BASE_SIZE], const char *text, struct reason *why)
{
	struct bytes base = trim(text);

	if (base.len == 0)
		base = bytes_str(PCCS_DEFAULT_URL);
	if (base.len >= PCCS_BASE_SIZE)
		return reject(why, REASON_LIMIT, "PCCS URL has more than %d bytes",
		    PCCS_BASE_SIZE - 1);
	for (size_t i = 0; i < base.len; i++)
		if (base.ptr[i] <= ' ' || base.ptr[i] >= 0x7f || strchr("?#", base.ptr[i]) != NULL)
			return reject(why, REASON_MALFORMED,
			    "PCCS URL has an illegal character at %zu", i);
	cut(&base, "/", true);
	do {
		cut(&base, SGX_PATH, false);
		cut(&base, "/", true);
	} while (ends_with(base, SGX_PATH));
	cut(&base, TDX_PATH, false);
	cut(&base, "/", true);
	memcpy(out, base.ptr, base.len);
	out[base.len] = '\0';
	if (strncasecmp(out, "http://", 7) == 0 ? out[7] == '\0' :
	    strncasecmp(out, "https://", 8) != 0 || out[8] == '\0')
		return reject(why, REASON_MALFORMED, "PCCS URL is neither http nor https");
	return true;
}

bool
pccs_is_intel(const char *base)
{
	size_t len = strlen(INTEL_URL);

	return strncasecmp(base, INTEL_URL, len) == 0 &&
	    (base[len] == '\0' || base[len] == '/' || base[len] == ':');
}

bool
pccs_is_local(const char *base)
{
	const char *host = strstr(base, "://") + strlen("://");
	size_t len = strcspn(host, "/");
	struct in_addr v4;
	char name[sizeof "255.255.255.255"];

	if (host[0] == '[')
		return strncmp(host, "[::1]", strlen("[::1]")) == 0;
	/* With a name or a password before it, it is not worth knowing. */
	if (memchr(host, '@', len) != NULL)
		return false;
	len = strcspn(host, ":/");
	if (len >= sizeof name)
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	    (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET);
}

static const char *
tee_name(enum dv_tee tee)
{
	return tee == DV_TEE_SGX ? "sgx" : "tdx";
}

static const char *
ca_name(enum dv_pck_ca ca)
{
	return ca == DV_PCK_CA_PROCESSOR ? "processor" : "platform";
}

static const char *
update_name(const struct dv_key *key)
{
	return key->early ? "early" : "standard";
}

/* Upper-case digits as a C string. */
static void
digits(char *out, struct bytes from)
{
	hex_encode_upper(out, from);
	out[2 * from.len] = '\0';
}

struct pck_digits {
	char    qe_id[33], ppid[769], cpu_svn[33], pce_svn[5], pce_id[5];
};

static void
pck_digits(struct pck_digits *out, const struct dv_pck_id *pck)
{
	assert(pck->encrypted_ppid_len <= sizeof pck->encrypted_ppid);
	digits(out->qe_id, BYTES_OF(pck->qe_id));
	digits(out->ppid, (struct bytes){ pck->encrypted_ppid, pck->encrypted_ppid_len });
	digits(out->cpu_svn, BYTES_OF(pck->cpu_svn));
	digits(out->pce_svn, BYTES_OF(pck->pce_svn));
	digits(out->pce_id, BYTES_OF(pck->pce_id));
}

static void
tcb_request(struct pccs_request *out, const struct dv_key *key, const char *base)
{
	char fmspc[13];

	digits(fmspc, BYTES_OF(key->fmspc));
	/* No parameter unless it is needed: a server's default is standard. */
	(void)snprintf(out->url, sizeof out->url, "%s/%s/certification/v4/tcb?fmspc=%s%s", base,
	    tee_name(key->tee), fmspc, key->early ? "&update=early" : "");
	out->body_max_len = DOCUMENT_MAX_LEN;
	/* Version 3's name lives on in caches: both, from any server. */
	out->headers[PCCS_CHAIN] = "SGX-TCB-Info-Issuer-Chain";
	out->headers[PCCS_CHAIN_OLD] = "TCB-Info-Issuer-Chain";
}

static void
qe_request(struct pccs_request *out, const struct dv_key *key, const char *base)
{
	(void)snprintf(out->url, sizeof out->url, "%s/%s/certification/v4/qe/identity?update=%s",
	    base, tee_name(key->tee), update_name(key));
	out->body_max_len = IDENTITY_MAX_LEN;
	out->headers[PCCS_CHAIN] = "SGX-Enclave-Identity-Issuer-Chain";
}

static void
pck_request(struct pccs_request *out, const struct dv_key *key, const char *base)
{
	struct pck_digits d;

	pck_digits(&d, &key->pck);
	(void)snprintf(out->url, sizeof out->url, "%s" SGX_PATH
	    "/pckcert?qeid=%s&encrypted_ppid=%s&cpusvn=%s&pcesvn=%s&pceid=%s",
	    base, d.qe_id, d.ppid, d.cpu_svn, d.pce_svn, d.pce_id);
	out->body_max_len = PCK_MAX_LEN;
	out->headers[PCCS_CHAIN] = "SGX-PCK-Certificate-Issuer-Chain";
	out->headers[PCCS_TCBM] = "SGX-TCBm";
}

static void
pck_crl_request(struct pccs_request *out, const struct dv_key *key, const char *base)
{
	(void)snprintf(out->url, sizeof out->url, "%s" SGX_PATH "/pckcrl?ca=%s&encoding=der", base,
	    ca_name(key->ca));
	out->body_max_len = PCK_CRL_MAX_LEN;
	out->headers[PCCS_CHAIN] = "SGX-PCK-CRL-Issuer-Chain";
}

bool
pccs_request(struct pccs_request *out, const struct dv_key *key, const char *base,
    struct reason *why)
{
	*out = (struct pccs_request){ .url = "" };
	if (base == NULL && key->type != DV_FACT_ROOT_CA_CRL)
		return reject(why, REASON_UNSUPPORTED, "only the root CA CRL is published so");
	switch (key->type) {
	case DV_FACT_TCB_INFO:
		tcb_request(out, key, base);
		return true;
	case DV_FACT_QE_IDENTITY:
		qe_request(out, key, base);
		return true;
	case DV_FACT_PCK_CRL:
		pck_crl_request(out, key, base);
		return true;
	case DV_FACT_PCK_CERTIFICATE:
		pck_request(out, key, base);
		return true;
	case DV_FACT_ROOT_CA_CRL:
		out->body_max_len = ROOT_CRL_MAX_LEN;
		if (base != NULL && pccs_is_intel(base))
			return reject(why, REASON_UNSUPPORTED, "Intel's service has no rootcacrl");
		(void)snprintf(out->url, sizeof out->url, "%s%s", base == NULL ? "" : base,
		    base == NULL ? INTEL_ROOT_CRL : SGX_PATH "/rootcacrl");
		return true;
	case DV_FACT_IMAGE:
	case DV_FACT_KERNEL:
		break;
	}
	return reject(why, REASON_UNSUPPORTED, "not an item of collateral");
}

/* The byte that two digits after a `%` stand for; -1 when they are none. */
static int
escaped(const uint8_t *at, size_t left)
{
	struct reason why;
	uint8_t byte;

	if (left < 3 || !hex_decode(&byte, (struct bytes){ at + 1, 2 }, &why))
		return -1;
	return byte;
}

bool
pccs_chain_decode(char *out, size_t *out_len, struct bytes value, struct reason *why)
{
	size_t n = 0;

	if (value.len > PCCS_HEADER_MAX_LEN)
		return reject(why, REASON_LIMIT, "issuer chain header has more than %zu bytes",
		    PCCS_HEADER_MAX_LEN);
	for (size_t i = 0; i < value.len; i++) {
		int c = value.ptr[i];

		if (c == '%') {
			c = escaped(value.ptr + i, value.len - i);
			i += 2;
		}
		if (c <= 0)
			return reject(why, REASON_MALFORMED,
			    "issuer chain header is not percent-encoded text");
		out[n++] = (char)c;
	}
	if (!utf8_valid((struct bytes){ (const uint8_t *)out, n }))
		return reject(why, REASON_MALFORMED, "issuer chain header is not UTF-8");
	*out_len = n;
	return true;
}

bool
pccs_tcbm_check(struct bytes value, const struct dv_key *key, struct reason *why)
{
	const struct dv_pck_id *pck = &key->pck;
	uint8_t tcbm[64];

	if (value.len > 2 * sizeof tcbm || !hex_decode(tcbm, value, why))
		return reject(why, REASON_MALFORMED, "SGX-TCBm header is not valid hex");
	if (value.len < (size_t)2 * TCBM_LEN)
		return reject(why, REASON_MALFORMED,
		    "SGX-TCBm header too short: expected %d bytes", TCBM_LEN);
	if (memcmp(tcbm, pck->cpu_svn, sizeof pck->cpu_svn) != 0 ||
	    memcmp(tcbm + sizeof pck->cpu_svn, pck->pce_svn, sizeof pck->pce_svn) != 0)
		return reject(why, REASON_REFUSED, "TCB level mismatch: the PCK certificate is "
		    "for another TCB, platform not re-registered");
	return true;
}

void
pccs_key_name(char out[PCCS_NAME_SIZE], const struct dv_key *key)
{
	struct pck_digits d;
	char fmspc[13], image[65];

	switch (key->type) {
	case DV_FACT_TCB_INFO:
		digits(fmspc, BYTES_OF(key->fmspc));
		(void)snprintf(out, PCCS_NAME_SIZE, "tcb %s %s %s", tee_name(key->tee), fmspc,
		    update_name(key));
		return;
	case DV_FACT_QE_IDENTITY:
		(void)snprintf(out, PCCS_NAME_SIZE, "qe %s %s", tee_name(key->tee),
		    update_name(key));
		return;
	case DV_FACT_PCK_CRL:
		(void)snprintf(out, PCCS_NAME_SIZE, "crl %s", ca_name(key->ca));
		return;
	case DV_FACT_ROOT_CA_CRL:
		(void)snprintf(out, PCCS_NAME_SIZE, "rootcrl");
		return;
	case DV_FACT_PCK_CERTIFICATE:
		pck_digits(&d, &key->pck);
		(void)snprintf(out, PCCS_NAME_SIZE, "pck %s %s %s %s %s", d.qe_id, d.cpu_svn,
		    d.pce_svn, d.pce_id, d.ppid);
		return;
	case DV_FACT_KERNEL:
		digits(image, BYTES_OF(key->image));
		(void)snprintf(out, PCCS_NAME_SIZE, "kernel %s %08x", image, key->initrd_addr);
		return;
	case DV_FACT_IMAGE:
		break;
	}
	digits(image, BYTES_OF(key->image));
	(void)snprintf(out, PCCS_NAME_SIZE, "image %s", image);
}

void
pccs_url_show(char out[PCCS_URL_SIZE], const char *url)
{
	const char *host = strstr(url, "://");
	const char *end, *at;

	host = host == NULL ? url : host + 3;
	end = host + strcspn(host, "/");
	at = memrchr(host, '@', (size_t)(end - host));
	(void)snprintf(out, PCCS_URL_SIZE, "%.*s%s", (int)(host - url), url,
	    at == NULL ? host : at + 1);
}
