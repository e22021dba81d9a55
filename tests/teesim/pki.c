#include <stdlib.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/sha.h>

#include "pki.h"

#define YEAR_2020       INT64_C(1577836800)
#define YEAR_2050       INT64_C(2524608000)
#define YEAR_2100       INT64_C(4102444800)

static EC_KEY **keys;
static unsigned nkeys;

const struct pki_cert pki_root = {
	.issuer = PKI_ROOT_NAME, .subject = PKI_ROOT_NAME,
	.issuer_key = PKI_ROOT, .key = PKI_ROOT, .ca = true, .key_usage = 0x06,
};
const struct pki_cert pki_ca = {
	.issuer = PKI_ROOT_NAME, .subject = PKI_CA_NAME,
	.issuer_key = PKI_ROOT, .key = PKI_CA, .ca = true, .path_len = "00", .key_usage = 0x06,
};
const struct pki_cert pki_signer = {
	.issuer = PKI_ROOT_NAME, .subject = "Mock Intel SGX TCB Signing",
	.issuer_key = PKI_ROOT, .key = PKI_SIGNER, .key_usage = 0x80,
	.eku = "2b06010505070301",
};

/* Room for the key, which may not be made yet. */
static EC_KEY **
key_slot(unsigned key)
{
	unsigned n = nkeys == 0 ? 128 : nkeys;

	MUST(key < PKI_MAX_KEYS);
	while (n <= key)
		n *= 2;
	if (n != nkeys) {
		keys = realloc(keys, n * sizeof(EC_KEY *));
		MUST(keys != NULL);
		memset(keys + nkeys, 0, (n - nkeys) * sizeof(EC_KEY *));
		nkeys = n;
	}
	return &keys[key];
}

static const EC_KEY *
key_get(unsigned key)
{
	uint8_t seed[32] = { 1, (uint8_t)key, (uint8_t)(key >> 8), (uint8_t)(key >> 16) };
	EC_KEY **slot = key_slot(key), *ec;
	EC_POINT *point;
	BIGNUM *scalar;

	if (*slot != NULL)
		return *slot;
	SHA256(seed, sizeof seed, seed);
	ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	scalar = BN_bin2bn(seed, sizeof seed, NULL);
	point = EC_POINT_new(EC_KEY_get0_group(ec));
	MUST(EC_KEY_set_private_key(ec, scalar));
	MUST(EC_POINT_mul(EC_KEY_get0_group(ec), point, scalar, NULL, NULL, NULL));
	MUST(EC_KEY_set_public_key(ec, point));
	EC_POINT_free(point);
	BN_free(scalar);
	*slot = ec;
	return ec;
}

void
pki_point(uint8_t out[PKI_POINT_LEN], unsigned key)
{
	const EC_KEY *ec = key_get(key);

	MUST(EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
	    POINT_CONVERSION_UNCOMPRESSED, out, PKI_POINT_LEN, NULL) == PKI_POINT_LEN);
}

/* The same message under the same key always has the same signature, so memos can know it. */
static ECDSA_SIG *
sign(unsigned key, struct bytes message)
{
	uint8_t digest[SHA256_DIGEST_LENGTH], nonce[SHA256_DIGEST_LENGTH + 1];
	ECDSA_SIG *sig;

	SHA256(message.ptr, message.len, digest);
	memcpy(nonce, digest, sizeof digest);
	nonce[SHA256_DIGEST_LENGTH] = (uint8_t)key;
	SHA256(nonce, sizeof nonce, nonce);
	nonce[0] = 0;                   /* below the group's order */
	sig = ECDSA_sign_with_nonce_and_leak_private_key_for_testing(digest, sizeof digest,
	    key_get(key), nonce, SHA256_DIGEST_LENGTH);
	MUST(sig != NULL);
	return sig;
}

struct bytes
pki_sign_raw(unsigned key, struct bytes message)
{
	ECDSA_SIG *sig = sign(key, message);
	uint8_t raw[64];

	MUST(BN_bn2bin_padded(raw, 32, ECDSA_SIG_get0_r(sig)));
	MUST(BN_bn2bin_padded(raw + 32, 32, ECDSA_SIG_get0_s(sig)));
	ECDSA_SIG_free(sig);
	return build_keep(raw, sizeof raw);
}

struct bytes
pki_sign_der(unsigned key, struct bytes message)
{
	ECDSA_SIG *sig = sign(key, message);
	CBB cbb;

	MUST(CBB_init(&cbb, 80));
	MUST(ECDSA_SIG_marshal(&cbb, sig));
	ECDSA_SIG_free(sig);
	return build_finish(&cbb);
}

struct bytes
pki_hex(const char *text)
{
	return build_hex(text);
}

struct bytes
pki_patch(struct bytes in, size_t at, const char *hex)
{
	struct bytes with = pki_hex(hex);

	MUST(at <= in.len && with.len <= in.len - at);
	return pki_join((struct bytes[]){ { in.ptr, at }, with,
	    { in.ptr + at + with.len, in.len - at - with.len } }, 3);
}

struct bytes
pki_join(const struct bytes *parts, size_t n)
{
	return build_join(parts, n);
}

struct bytes
pki_replace(struct bytes in, struct bytes what, struct bytes with)
{
	const uint8_t *at = memmem(in.ptr, in.len, what.ptr, what.len);
	size_t before;

	MUST(at != NULL);
	before = (size_t)(at - in.ptr);
	MUST(memmem(at + 1, in.len - before - 1, what.ptr, what.len) == NULL);
	return pki_join((struct bytes[]){ { in.ptr, before }, with,
	    { at + what.len, in.len - before - what.len } }, 3);
}

struct bytes
pki_der(unsigned tag, struct bytes content)
{
	uint8_t head[4] = { (uint8_t)tag };
	size_t n;

	MUST(content.len < 65536);
	if (content.len < 128) {
		head[1] = (uint8_t)content.len;
		n = 2;
	} else if (content.len < 256) {
		head[1] = 0x81;
		head[2] = (uint8_t)content.len;
		n = 3;
	} else {
		head[1] = 0x82;
		head[2] = (uint8_t)(content.len >> 8);
		head[3] = (uint8_t)content.len;
		n = 4;
	}
	return pki_join((struct bytes[]){ { head, n }, content }, 2);
}

static struct bytes
pair(unsigned tag, struct bytes a, struct bytes b)
{
	return pki_der(tag, pki_join((struct bytes[]){ a, b }, 2));
}

struct bytes
pki_name(const char *cn)
{
	return pki_der(0x30, pki_der(0x31, pair(0x30, pki_der(0x06, pki_hex("550403")),
	    pki_der(0x0c, bytes_str(cn)))));
}

static struct bytes
date(int64_t at)
{
	const bool utc = at < YEAR_2050;
	time_t t = (time_t)at;
	struct tm tm;
	char text[32];

	MUST(gmtime_r(&t, &tm) != NULL);
	MUST(strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm) > 0);
	return utc ? pki_der(0x17, bytes_str(text + 2)) : pki_der(0x18, bytes_str(text));
}

static struct bytes
extension(const struct pki_extension *e)
{
	return pki_der(0x30, pki_join((struct bytes[]){
	    pki_der(0x06, pki_hex(e->oid)),
	    e->critical ? pki_hex("0101ff") : (struct bytes){ NULL, 0 },
	    pki_der(0x04, e->value) }, 3));
}

static struct bytes
algorithm(void)
{
	return pki_hex("300a 0608 2a8648ce3d040302");
}

/* Signed part, algorithm, signature. */
static struct bytes
frame(struct bytes tbs, unsigned key)
{
	return pki_der(0x30, pki_join((struct bytes[]){ tbs, algorithm(),
	    pki_der(0x03, pki_join((struct bytes[]){ pki_hex("00"), pki_sign_der(key, tbs) }, 2)) },
	    3));
}

static struct bytes
spki(unsigned key)
{
	uint8_t point[PKI_POINT_LEN];

	pki_point(point, key);
	return pki_der(0x30, pki_join((struct bytes[]){
	    pki_hex("3013 0607 2a8648ce3d0201 0608 2a8648ce3d030107 034200"),
	    BYTES_OF(point) }, 2));
}

static struct bytes
constraints(const struct pki_cert *c)
{
	return pki_der(0x30, pki_join((struct bytes[]){
	    c->ca ? pki_hex("0101ff") : (struct bytes){ NULL, 0 },
	    c->path_len != NULL ? pki_der(0x02, pki_hex(c->path_len)) : (struct bytes){ NULL, 0 },
	    }, 2));
}

static struct bytes
extensions(const struct pki_cert *c)
{
	struct pki_extension all[8];
	struct bytes parts[48];
	uint8_t usage[2] = { 0, (uint8_t)c->key_usage };
	size_t i, n = 0, nparts = 0;

	if (!c->no_constraints)
		all[n++] = (struct pki_extension){ "551d13", true, constraints(c) };
	while (c->key_usage != 0 && (c->key_usage >> usage[0] & 1) == 0)
		usage[0]++;
	if (c->key_usage != 0)
		all[n++] = (struct pki_extension){ "551d0f", true, pki_der(0x03, BYTES_OF(usage)) };
	if (c->eku != NULL)
		all[n++] = (struct pki_extension){ "551d25", false,
		    pki_der(0x30, pki_der(0x06, pki_hex(c->eku))) };
	if (c->sgx.len != 0)
		all[n++] = (struct pki_extension){ "2a864886f84d010d01", false, c->sgx };
	for (i = 0; i < n; i++)
		parts[nparts++] = extension(&all[i]);
	for (i = 0; i < c->nmore; i++) {
		MUST(nparts < NELEM(parts));
		parts[nparts++] = extension(&c->more[i]);
	}
	if (nparts == 0)
		return (struct bytes){ NULL, 0 };
	return pki_der(0xa3, pki_der(0x30, pki_join(parts, nparts)));
}

static struct bytes
dates(int64_t from, int64_t to)
{
	return pki_join((struct bytes[]){
	    date(from != 0 ? from : YEAR_2020), date(to != 0 ? to : YEAR_2100) }, 2);
}

struct bytes
pki_cert(const struct pki_cert *c)
{
	const struct bytes parts[] = {
		pki_hex("a003020102"),
		pki_der(0x02, pki_hex(c->serial != NULL ? c->serial : "2a")),
		algorithm(),
		pki_name(c->issuer),
		pki_der(0x30, dates(c->not_before, c->not_after)),
		pki_name(c->subject),
		spki(c->key),
		extensions(c),
	};

	return frame(pki_der(0x30, pki_join(parts, NELEM(parts))), c->issuer_key);
}

static struct bytes
revoked(const struct pki_crl *c)
{
	struct bytes list = { NULL, 0 };
	CBB cbb;
	size_t i;

	if (c->nrevoked == 0)
		return list;
	MUST(CBB_init(&cbb, 64 * c->nrevoked));
	for (i = 0; i < c->nrevoked; i++) {
		const struct pki_revoked *r = &c->revoked[i];
		struct bytes entry = pki_der(0x30, pki_join((struct bytes[]){
		    pki_der(0x02, pki_hex(r->serial)), date(YEAR_2020),
		    r->extensions.len != 0 ? pki_der(0x30, r->extensions) : list }, 3));

		MUST(CBB_add_bytes(&cbb, entry.ptr, entry.len));
	}
	return pki_der(0x30, build_finish(&cbb));
}

struct bytes
pki_crl(const struct pki_crl *c)
{
	const struct pki_extension number = { "551d14", false,
	    pki_der(0x02, pki_hex(c->number != NULL ? c->number : "01")) };
	struct bytes more[16], parts[6];
	size_t i, n = 0;

	more[n++] = extension(&number);
	for (i = 0; i < c->nmore; i++) {
		MUST(n < NELEM(more));
		more[n++] = extension(&c->more[i]);
	}
	parts[0] = pki_hex("020101");
	parts[1] = algorithm();
	parts[2] = pki_name(c->issuer);
	parts[3] = dates(c->this_update, c->next_update);
	parts[4] = revoked(c);
	parts[5] = pki_der(0xa0, pki_der(0x30, pki_join(more, n)));
	return frame(pki_der(0x30, pki_join(parts, NELEM(parts))), c->issuer_key);
}

struct bytes
pki_pem(const struct bytes *certs, size_t n)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\n";
	static const char end[] = "-----END CERTIFICATE-----\n";
	struct bytes text;
	size_t i, at;
	CBB cbb;

	MUST(CBB_init(&cbb, 4096));
	for (i = 0; i < n; i++) {
		text = build_base64(certs[i]);
		build_add_text(&cbb, begin);
		for (at = 0; at < text.len; at += 64) {
			build_add(&cbb, (struct bytes){ text.ptr + at,
			    text.len - at < 64 ? text.len - at : 64 });
			build_add_text(&cbb, "\n");
		}
		build_add_text(&cbb, end);
	}
	return build_finish(&cbb);
}

/* One entry of the SGX extension: SEQUENCE { OID under 1.2.840.113741.1.13.1, value }. */
static struct bytes
sgx_entry(struct bytes arcs, struct bytes value)
{
	return pair(0x30, pki_der(0x06, pki_join((struct bytes[]){
	    pki_hex("2a864886f84d010d01"), arcs }, 2)), value);
}

/* INTEGER of a byte or two. */
static struct bytes
small_integer(unsigned value)
{
	uint8_t be[3] = { 0, (uint8_t)(value >> 8), (uint8_t)value };
	size_t skip = value >= 0x8000 ? 0 : value >= 0x80 ? 1 : 2;

	return pki_der(0x02, (struct bytes){ be + skip, sizeof be - skip });
}

static struct bytes
sgx_tcb(const struct pck *pck, bool components)
{
	struct bytes parts[18];
	size_t n = 0;
	uint8_t arcs[2] = { 2, 0 };

	for (arcs[1] = 1; components && arcs[1] <= 16; arcs[1]++)
		parts[n++] = sgx_entry(BYTES_OF(arcs), small_integer(pck->cpusvn[arcs[1] - 1]));
	arcs[1] = 17;
	parts[n++] = sgx_entry(BYTES_OF(arcs), small_integer(pck->pcesvn));
	arcs[1] = 18;
	parts[n++] = sgx_entry(BYTES_OF(arcs), pki_der(0x04, BYTES_OF(pck->cpusvn)));
	return pki_der(0x30, pki_join(parts, n));
}

static struct bytes
sgx_configuration(const struct pck *pck)
{
	return pki_der(0x30, pki_join((struct bytes[]){
	    sgx_entry(pki_hex("0701"), pki_hex(pck->dynamic_platform ? "0101ff" : "010100")),
	    sgx_entry(pki_hex("0702"), pki_hex(pck->cached_keys ? "0101ff" : "010100")),
	    sgx_entry(pki_hex("0703"), pki_hex(pck->smt_enabled ? "0101ff" : "010100")) }, 3));
}

struct bytes
pki_sgx(const struct pck *pck, bool components)
{
	const uint8_t type = (uint8_t)pck->sgx_type;
	struct bytes parts[7];
	size_t n = 0;

	parts[n++] = sgx_entry(pki_hex("01"), pki_der(0x04, BYTES_OF(pck->ppid)));
	parts[n++] = sgx_entry(pki_hex("02"), sgx_tcb(pck, components));
	parts[n++] = sgx_entry(pki_hex("03"), pki_der(0x04, BYTES_OF(pck->pceid)));
	parts[n++] = sgx_entry(pki_hex("04"), pki_der(0x04, BYTES_OF(pck->fmspc)));
	parts[n++] = sgx_entry(pki_hex("05"), pki_der(0x0a, (struct bytes){ &type, 1 }));
	if (pck->has_instance_id)
		parts[n++] = sgx_entry(pki_hex("06"), pki_der(0x04, BYTES_OF(pck->instance_id)));
	if (pck->has_configuration)
		parts[n++] = sgx_entry(pki_hex("07"), sgx_configuration(pck));
	return pki_der(0x30, pki_join(parts, n));
}

struct pki_cert
pki_leaf(const struct pck *pck)
{
	return (struct pki_cert){
		.issuer = PKI_CA_NAME, .subject = "Mock Intel SGX PCK Certificate",
		.issuer_key = PKI_CA, .key = PKI_PCK, .key_usage = 0x80,
		.eku = "2b06010505070301", .sgx = pki_sgx(pck, true),
	};
}
