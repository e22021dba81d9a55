/*
 * TCB info and QE identity: quote-verification.md 3, 5, 6.2, 12.2, steps 10 to 15, 21 to 26, 28
 * and 29.
 *
 * Advisories: CVE-2026-22696 (a QE identity that is forged, or another enclave's),
 * GHSA-6q6c-vvf9-fj3w (TCB levels with too few components).
 */
#include <stdio.h>

#include "judge.h"

#define CHAIN_FAILED    "Failed to verify certificate chain: "
#define TCB_FAILED      "Failed to decode TcbInfo: "
#define QE_FAILED       "Failed to decode QeIdentity: "
#define TCB_SIGNATURE   "Signature is invalid for tcb_info in quote_collateral"
#define QE_SIGNATURE    "Signature is invalid for qe_identity in quote_collateral"
#define EVIL_KEY        50

/* ---- signers ---- */

static struct pki_cert *
signer_of(struct guest *g, int arg)
{
	return arg == 0 ? &g->intel.tcb_signer : &g->intel.qe_signer;
}

#define SETTER(name, statement)                                         \
static void                                                             \
name(struct guest *g, struct judge *judge, int arg)                     \
{                                                                       \
	struct pki_cert *cert = signer_of(g, arg);                      \
									\
	statement;                                                      \
}

SETTER(signer_expired, cert->not_after = GUEST_NOW - 1)
SETTER(signer_expires_now, cert->not_after = GUEST_NOW)
SETTER(signer_not_yet, cert->not_before = GUEST_NOW + 1)
SETTER(signer_from_now, cert->not_before = GUEST_NOW)
SETTER(signer_is_ca, cert->ca = true)
SETTER(signer_issuer_key, cert->issuer_key = EVIL_KEY)
SETTER(signer_issuer_name, cert->issuer = "Somebody Else")
SETTER(signer_eku, cert->eku = "2b06010505070302")
SETTER(signer_is_pck, cert->sgx = pki_sgx(&g->intel.pck, true))
SETTER(signer_serial, cert->serial = "80")
SETTER(signer_other_key, cert->key = EVIL_KEY)
SETTER(signer_under_ca, cert->issuer = g->intel.ca.subject; cert->issuer_key = PKI_CA)

/* 0 TCB, 1 QE, in the form of a chain: of these certificates. */
static void
signer_chain(struct guest *g, int which, const struct bytes *certs, size_t n)
{
	*(which == 0 ? &g->intel.tcb_chain : &g->intel.qe_chain) = pki_pem(certs, n);
}

static void
chain_alone(struct guest *g, struct judge *judge, int arg)
{
	const struct bytes cert = pki_cert(signer_of(g, arg));

	signer_chain(g, arg, &cert, 1);
}

static void
chain_reversed(struct guest *g, struct judge *judge, int arg)
{
	const struct bytes certs[] = { pki_cert(&g->intel.root), pki_cert(signer_of(g, arg)) };

	signer_chain(g, arg, certs, 2);
}

static void
chain_evil_root(struct guest *g, struct judge *judge, int arg)
{
	struct pki_cert root = g->intel.root, cert = *signer_of(g, arg);
	struct bytes certs[2];

	root.key = root.issuer_key = cert.issuer_key = EVIL_KEY;
	certs[0] = pki_cert(&cert);
	certs[1] = pki_cert(&root);
	signer_chain(g, arg, certs, 2);
}

/* A genuine leaf's key signs collateral. */
static void
signed_by_pck(struct guest *g, struct judge *judge, int arg)
{
	const struct bytes certs[] = { pki_cert(&g->intel.leaf), pki_cert(&g->intel.ca),
	    pki_cert(&g->intel.root) };

	signer_chain(g, arg, certs, 3);
	(arg == 0 ? &g->intel.tcb : &g->intel.qe)->signer_key = PKI_PCK;
}

static void
signed_by(struct guest *g, struct judge *judge, int arg)
{
	(arg == 0 ? &g->intel.tcb : &g->intel.qe)->signer_key = EVIL_KEY;
}

/* Each with the signature of the other. */
static void
signatures_swapped(struct guest *g, struct judge *judge, int arg)
{
	g->intel.tcb.signature = mock_document_signature(&g->intel, DV_FACT_QE_IDENTITY);
}

static void
chain_text(struct guest *g, struct judge *judge, int arg)
{
	static const char *const texts[] = {
		" ", "-----BEGIN CERTIFICATE-----\nAAAA\n", "-----BEGIN KEY-----\nAAAA\n-----END "
	    "KEY-----",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
	};

	g->intel.tcb_chain = build_copy(texts[arg]);
}

static void
signature_zero(struct guest *g, struct judge *judge, int arg)
{
	static const uint8_t zero[64];

	if (arg == 0)
		g->intel.tcb.signature = BYTES_OF(zero);
	else
		g->intel.qe.signature = BYTES_OF(zero);
}

static const struct row signer_rows[] = {
	{ "TCB signer expired", signer_expired, 0, {0}, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000000), not_after: UnixTime(1799999999) }" },
	{ "QE signer expired", signer_expired, 1, {0}, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000000), not_after: UnixTime(1799999999) }" },
	{ "TCB signer in its last second", signer_expires_now, 0, {0}, NULL },
	{ "QE signer in its last second", signer_expires_now, 1, {0}, NULL },
	{ "TCB signer not yet valid", signer_not_yet, 0, {0}, CHAIN_FAILED
	    "CertNotValidYet { time: UnixTime(1800000000), not_before: UnixTime(1800000001) }" },
	{ "QE signer not yet valid", signer_not_yet, 1, {0}, CHAIN_FAILED
	    "CertNotValidYet { time: UnixTime(1800000000), not_before: UnixTime(1800000001) }" },
	{ "TCB signer in its first second", signer_from_now, 0, {0}, NULL },
	{ "QE signer in its first second", signer_from_now, 1, {0}, NULL },
	{ "TCB signer is a CA", signer_is_ca, 0, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "QE signer is a CA", signer_is_ca, 1, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "TCB signer signed by another key", signer_issuer_key, 0, {0},
	    CHAIN_FAILED "InvalidSignatureForPublicKey" },
	{ "QE signer signed by another key", signer_issuer_key, 1, {0},
	    CHAIN_FAILED "InvalidSignatureForPublicKey" },
	{ "TCB signer of another issuer", signer_issuer_name, 0, {0},
	    CHAIN_FAILED "UnknownIssuer" },
	{ "QE signer of another issuer", signer_issuer_name, 1, {0},
	    CHAIN_FAILED "UnknownIssuer" },
	{ "TCB signer under the PCK CA", signer_under_ca, 0, {0}, CHAIN_FAILED "UnknownIssuer" },
	{ "QE signer under the PCK CA", signer_under_ca, 1, {0}, CHAIN_FAILED "UnknownIssuer" },
	{ "TCB signer for clients", signer_eku, 0, {0}, CHAIN_FAILED "RequiredEkuNotFound" },
	{ "QE signer for clients", signer_eku, 1, {0}, CHAIN_FAILED "RequiredEkuNotFound" },
	{ "TCB signer with an SGX extension", signer_is_pck, 0, {0},
	    "TCB signing certificate is not one" },
	{ "QE signer with an SGX extension", signer_is_pck, 1, {0},
	    "TCB signing certificate is not one" },
	{ "TCB signer with a negative serial", signer_serial, 0, {0},
	    "Failed to parse TCB Info leaf certificate: InvalidSerialNumber" },
	{ "QE signer with a negative serial", signer_serial, 1, {0},
	    "Failed to parse QE Identity leaf certificate: InvalidSerialNumber" },
	{ "TCB signer with another key", signer_other_key, 0, {0}, TCB_SIGNATURE },
	{ "QE signer with another key", signer_other_key, 1, {0}, QE_SIGNATURE },
	{ "TCB signer alone", chain_alone, 0, {0}, "Certificate chain is too short for TCB Info" },
	{ "QE signer alone", chain_alone, 1, {0},
	    "Certificate chain is too short for QE Identity" },
	{ "TCB signer behind the root", chain_reversed, 0, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "QE signer behind the root", chain_reversed, 1, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "TCB signer under a look-alike root", chain_evil_root, 0, {0},
	    CHAIN_FAILED "UnknownIssuer" },
	{ "QE signer under a look-alike root", chain_evil_root, 1, {0},
	    CHAIN_FAILED "UnknownIssuer" },
	{ "TCB info signed by a PCK", signed_by_pck, 0, {0}, CHAIN_FAILED "UnknownIssuer" },
	{ "CVE-2026-22696: QE identity signed by a PCK", signed_by_pck, 1, {0},
	    CHAIN_FAILED "UnknownIssuer" },
	{ "TCB info signed by nobody known", signed_by, 0, {0}, TCB_SIGNATURE },
	{ "CVE-2026-22696: QE identity signed by nobody known", signed_by, 1, {0}, QE_SIGNATURE },
	{ "TCB info with the identity's signature", signatures_swapped, 0, {0}, TCB_SIGNATURE },
	{ "TCB info's signature is zero", signature_zero, 0, {0}, TCB_SIGNATURE },
	{ "QE identity's signature is zero", signature_zero, 1, {0}, QE_SIGNATURE },
	{ "TCB info chain is blank", chain_text, 0, {0},
	    "Failed to extract certificates for TCB Info: no PEM block" },
	{ "TCB info chain has no END", chain_text, 1, {0},
	    "Failed to extract certificates for TCB Info: PEM block has no END" },
	{ "TCB info chain is a key", chain_text, 2, {0},
	    "Failed to extract certificates for TCB Info: PEM marker is not BEGIN CERTIFICATE" },
	{ "TCB info chain of empty SEQUENCEs", chain_text, 3, {0},
	    "Failed to parse TCB Info leaf certificate: BadDer" },
};

static const struct row signature_rows[] = {
	{ "TCB info edited", NULL, 0, REPLACE(STAGE_TCB_SENT, "OutOfDate", "UpToDate"),
	    TCB_SIGNATURE },
	{ "TCB info with a space behind", NULL, 0, APPEND(STAGE_TCB_SENT, "20"), TCB_SIGNATURE },
	{ "TCB info with a space inside", NULL, 0, REPLACE(STAGE_TCB_SENT, ",", ", "),
	    TCB_SIGNATURE },
	{ "TCB info, signature bit of r", NULL, 0, FLIP(STAGE_TCB_SIGNATURE, 0, "01"),
	    TCB_SIGNATURE },
	{ "TCB info, signature bit of s", NULL, 0, FLIP(STAGE_TCB_SIGNATURE, 63, "01"),
	    TCB_SIGNATURE },
	{ "TCB info, signature of 63 bytes", NULL, 0, CUT(STAGE_TCB_SIGNATURE, 1),
	    "Invalid key length" },
	{ "CVE-2026-22696: QE identity edited", NULL, 0, REPLACE(STAGE_QE_SENT, "4444", "4445"),
	    QE_SIGNATURE },
	{ "QE identity with a space behind", NULL, 0, APPEND(STAGE_QE_SENT, "20"), QE_SIGNATURE },
	{ "QE identity, signature bit", NULL, 0, FLIP(STAGE_QE_SIGNATURE, 31, "01"),
	    QE_SIGNATURE },
	{ "QE identity, signature of 63 bytes", NULL, 0, CUT(STAGE_QE_SIGNATURE, 1),
	    "Invalid key length" },
};

/* ---- members of TCB info ---- */

#define MISSING(key)    "\"" key "\" is missing"

static const struct row tcb_rows[] = {
	{ "TCB info is no JSON", NULL, 0, SET(STAGE_TCB, "tcb"),
	    TCB_FAILED "JSON wants a value at byte 1" },
	{ "TCB info of version 2", NULL, 0, REPLACE(STAGE_TCB, "\"id\":\"TDX\",\"version\":3",
	    "\"version\":2"), TCB_FAILED "\"id\" is missing" },
	{ "version 2 of id TDX", NULL, 0, REPLACE(STAGE_TCB, "\"version\":3", "\"version\":2"),
	    "TDX quote with non-TDX TCB info in the collateral" },
	{ "version 256", NULL, 0, REPLACE(STAGE_TCB, "\"version\":3", "\"version\":256"),
	    TCB_FAILED "\"version\" is more than 255" },
	{ "version as a string", NULL, 0, REPLACE(STAGE_TCB, "\"version\":3", "\"version\":\"3\""),
	    TCB_FAILED "\"version\" is a string, not a number" },
	{ "version as 3.0", NULL, 0, REPLACE(STAGE_TCB, "\"version\":3", "\"version\":3.0"),
	    TCB_FAILED "\"version\" is not a plain unsigned integer" },
	{ "version as 3e0", NULL, 0, REPLACE(STAGE_TCB, "\"version\":3", "\"version\":3e0"),
	    TCB_FAILED "\"version\" is not a plain unsigned integer" },
	{ "version below zero", NULL, 0, REPLACE(STAGE_TCB, "\"version\":3", "\"version\":-3"),
	    TCB_FAILED "\"version\" is not a plain unsigned integer" },
	{ "id SGX", NULL, 0, REPLACE(STAGE_TCB, "\"id\":\"TDX\"", "\"id\":\"SGX\""),
	    "TDX quote with non-TDX TCB info in the collateral" },
	{ "id tdx", NULL, 0, REPLACE(STAGE_TCB, "\"id\":\"TDX\"", "\"id\":\"tdx\""),
	    "TDX quote with non-TDX TCB info in the collateral" },
	{ "id is null", NULL, 0, REPLACE(STAGE_TCB, "\"id\":\"TDX\"", "\"id\":null"),
	    TCB_FAILED "\"id\" is null, not a string" },
	{ "no issueDate", NULL, 0, REPLACE(STAGE_TCB, "issueDate", "issuedate"),
	    "Failed to parse TCB Info issue date: \"issueDate\" is missing" },
	{ "no nextUpdate", NULL, 0, REPLACE(STAGE_TCB, "nextUpdate", "nextupdate"),
	    "Failed to parse TCB Info next update: \"nextUpdate\" is missing" },
	{ "FMSPC of another platform", NULL, 0, REPLACE(STAGE_TCB, "b0c06f000000", "b0c06f000001"),
	    "Fmspc mismatch" },
	{ "FMSPC in upper case", NULL, 0, REPLACE(STAGE_TCB, "b0c06f000000", "B0C06F000000"),
	    NULL },
	{ "FMSPC of 5 bytes", NULL, 0, REPLACE(STAGE_TCB, "b0c06f000000", "b0c06f0000"),
	    TCB_FAILED "\"fmspc\" has 5 bytes, not 6" },
	{ "FMSPC of odd length", NULL, 0, REPLACE(STAGE_TCB, "b0c06f000000", "b0c06f00000"),
	    TCB_FAILED "\"fmspc\" has an odd number of hex digits" },
	{ "FMSPC with 0x", NULL, 0, REPLACE(STAGE_TCB, "b0c06f000000", "0xb0c06f0000"),
	    TCB_FAILED "\"fmspc\" is not hex at digit 1" },
	{ "PCEID of another PCE", NULL, 0, REPLACE(STAGE_TCB, "\"pceId\":\"0000\"",
	    "\"pceId\":\"0001\""), "PCEID mismatch" },
	{ "no PCEID", NULL, 0, REPLACE(STAGE_TCB, "pceId", "pceid"), TCB_FAILED MISSING("pceId") },
	{ "no tcbType", NULL, 0, REPLACE(STAGE_TCB, "tcbType", "tcbtype"),
	    TCB_FAILED MISSING("tcbType") },
	{ "no tcbEvaluationDataNumber", NULL, 0, REPLACE(STAGE_TCB, "tcbEvaluationDataNumber",
	    "number"), TCB_FAILED MISSING("tcbEvaluationDataNumber") },
	{ "tcbEvaluationDataNumber 2^32", NULL, 0, REPLACE(STAGE_TCB,
	    "tcbEvaluationDataNumber\":20", "tcbEvaluationDataNumber\":4294967296"),
	    TCB_FAILED "\"tcbEvaluationDataNumber\" is more than 4294967295" },
	{ "tcbEvaluationDataNumber 2^64", NULL, 0, REPLACE(STAGE_TCB,
	    "tcbEvaluationDataNumber\":20", "tcbEvaluationDataNumber\":18446744073709551616"),
	    TCB_FAILED "\"tcbEvaluationDataNumber\" is more than 4294967295" },
	{ "no tcbLevels", NULL, 0, REPLACE(STAGE_TCB, "tcbLevels", "tcblevels"),
	    TCB_FAILED MISSING("tcbLevels") },
	{ "tcbLevels is null", NULL, 0, REPLACE(STAGE_TCB, "\"tcbLevels\":[",
	    "\"tcbLevels\":null,\"x\":["),
	    TCB_FAILED "\"tcbLevels\" is null, not an array" },
	{ "tcbLevels is an object", NULL, 0, REPLACE(STAGE_TCB, "\"tcbLevels\":[",
	    "\"tcbLevels\":{},\"x\":["),
	    TCB_FAILED "\"tcbLevels\" is an object, not an array" },
	{ "tcbLevels is empty", NULL, 0, REPLACE(STAGE_TCB, "\"tcbLevels\":[",
	    "\"tcbLevels\":[],\"x\":["), "No matching TCB level found" },
	{ "a level is a number", NULL, 0, REPLACE(STAGE_TCB, "\"tcbLevels\":[",
	    "\"tcbLevels\":[1,"),
	    TCB_FAILED "\"tcbLevels\" is a number, not an object" },
	{ "svn 256", NULL, 0, REPLACE(STAGE_TCB, "{\"svn\":5}", "{\"svn\":256}"),
	    TCB_FAILED "\"svn\" is more than 255" },
	{ "svn below zero", NULL, 0, REPLACE(STAGE_TCB, "{\"svn\":5}", "{\"svn\":-1}"),
	    TCB_FAILED "\"svn\" is not a plain unsigned integer" },
	{ "svn is a string", NULL, 0, REPLACE(STAGE_TCB, "{\"svn\":5}", "{\"svn\":\"5\"}"),
	    TCB_FAILED "\"svn\" is a string, not a number" },
	{ "no svn", NULL, 0, REPLACE(STAGE_TCB, "{\"svn\":5}", "{}"), TCB_FAILED MISSING("svn") },
	{ "pcesvn 65536", NULL, 0, REPLACE(STAGE_TCB, "\"pcesvn\":11", "\"pcesvn\":65536"),
	    TCB_FAILED "\"pcesvn\" is more than 65535" },
	{ "no pcesvn", NULL, 0, REPLACE(STAGE_TCB, "pcesvn", "pceSvn"),
	    TCB_FAILED MISSING("pcesvn") },
	{ "no sgxtcbcomponents", NULL, 0, REPLACE(STAGE_TCB, "sgxtcbcomponents", "sgx"),
	    TCB_FAILED MISSING("sgxtcbcomponents") },
	{ "tdxtcbcomponents is null", NULL, 0, REPLACE(STAGE_TCB, "\"tdxtcbcomponents\":[",
	    "\"tdxtcbcomponents\":null,\"x\":["),
	    TCB_FAILED "\"tdxtcbcomponents\" is null, not an array" },
	{ "status in small letters", NULL, 0, REPLACE(STAGE_TCB, "UpToDate", "upToDate"),
	    TCB_FAILED "unknown tcbStatus" },
	{ "a computed status in a document", NULL, 0, REPLACE(STAGE_TCB, "\"UpToDate\"",
	    "\"TDRelaunchAdvised\""), TCB_FAILED "unknown tcbStatus" },
	{ "no status", NULL, 0, REPLACE(STAGE_TCB, "tcbStatus", "status"),
	    TCB_FAILED MISSING("tcbStatus") },
	{ "no tcbDate", NULL, 0, REPLACE(STAGE_TCB, "tcbDate", "date"),
	    TCB_FAILED MISSING("tcbDate") },
	{ "tcbDate without a time", NULL, 0, REPLACE(STAGE_TCB, "2026-01-01T00:00:00Z",
	    "2026-01-01"),
	    TCB_FAILED "\"tcbDate\": time is not of the form YYYY-MM-DDTHH:MM:SSZ" },
	{ "advisory with a line break", NULL, 0, REPLACE(STAGE_TCB, "INTEL-SA-00001",
	    "INTEL\\nSA"), TCB_FAILED "an advisory id is not a name" },
	{ "advisory with a quotation mark", NULL, 0, REPLACE(STAGE_TCB, "INTEL-SA-00001",
	    "INTEL\\\"SA"), TCB_FAILED "an advisory id is not a name" },
	{ "advisory without a character", NULL, 0, REPLACE(STAGE_TCB, "INTEL-SA-00001", ""),
	    TCB_FAILED "an advisory id is not a name" },
	{ "advisory of 65 characters", NULL, 0, REPLACE(STAGE_TCB, "INTEL-SA-00001",
	    "0123456789012345678901234567890123456789012345678901234567890123X"),
	    TCB_FAILED "an advisory id is not a name" },
	{ "advisory of 64 characters", NULL, 0, REPLACE(STAGE_TCB, "INTEL-SA-00001",
	    "0123456789012345678901234567890123456789012345678901234567890123"), NULL },
	{ "advisoryIDs is a string", NULL, 0, REPLACE(STAGE_TCB, "[\"INTEL-SA-00001\"]",
	    "\"INTEL-SA-00001\""),
	    TCB_FAILED "\"advisoryIDs\" is a string, not an array" },
	{ "the same level twice", NULL, 0, REPLACE(STAGE_TCB, "\"tcbLevels\":[",
	    "\"tcbLevels\":[{\"tcb\":{\"sgxtcbcomponents\":[],\"pcesvn\":1},\"tcbDate\":"
	    "\"2020-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},{\"tcb\":{"
	    "\"sgxtcbcomponents\":[],"
	    "\"pcesvn\":1},\"tcbDate\":\"2020-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"),
	    TCB_FAILED "Duplicate TCB level" },
	{ "issueDate twice", NULL, 0, REPLACE(STAGE_TCB, "{\"id\"",
	    "{\"issueDate\":\"2020-01-01T00:00:00Z\",\"id\""),
	    TCB_FAILED "JSON object at byte 0 repeats a key" },
	{ "an unknown member twice", NULL, 0, REPLACE(STAGE_TCB, "{\"id\"",
	    "{\"x\":1,\"x\":1,\"id\""),
	    TCB_FAILED "JSON object at byte 0 repeats a key" },
	{ "svn twice", NULL, 0, REPLACE(STAGE_TCB, "{\"svn\":5}", "{\"svn\":5,\"svn\":0}"),
	    TCB_FAILED "JSON object at byte 407 repeats a key" },
	{ "an unknown member", NULL, 0, REPLACE(STAGE_TCB, "{\"id\"", "{\"x\":[{}],\"id\""), NULL },
	{ "NaN", NULL, 0, REPLACE(STAGE_TCB, "{\"id\"", "{\"x\":NaN,\"id\""),
	    TCB_FAILED "JSON wants a value at byte 5" },
	{ "a lone surrogate", NULL, 0, REPLACE(STAGE_TCB, "{\"id\"", "{\"x\":\"\\ud800\",\"id\""),
	    TCB_FAILED "JSON string has a lone surrogate at byte 6" },
	{ "a NUL character", NULL, 0, REPLACE(STAGE_TCB, "\"TDX\"", "\"TDX\\u0000\""),
	    "TDX quote with non-TDX TCB info in the collateral" },
	{ "text behind", NULL, 0, APPEND(STAGE_TCB, "7b7d"),
	    TCB_FAILED "JSON has more text after the value at byte 1293" },
	{ "18 arrays deep", NULL, 0, REPLACE(STAGE_TCB, "{\"id\"",
	    "{\"x\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]],\"id\""),
	    TCB_FAILED "JSON nests deeper than 16 levels at byte 20" },
};

/* ---- the TDX module's identity ---- */

static const struct row module_rows[] = {
	{ "no tdxModule", NULL, 0, REPLACE(STAGE_TCB, "\"tdxModule\"", "\"tdxmodule\""),
	    "TDX module identity check: TDX TCB Info is missing tdxModule field" },
	{ "tdxModule is null", NULL, 0, REPLACE(STAGE_TCB, "\"tdxModule\":{",
	    "\"tdxModule\":null,\"x\":{"),
	    "TDX module identity check: TDX TCB Info is missing tdxModule field" },
	{ "tdxModule is a list", NULL, 0, REPLACE(STAGE_TCB, "\"tdxModule\":{",
	    "\"tdxModule\":[],\"x\":{"),
	    TCB_FAILED "\"tdxModule\" is an array, not an object" },
	{ "module signer of 47 bytes", NULL, 0, REPLACE(STAGE_TCB, "\"mrsigner\":\"00",
	    "\"mrsigner\":\""), TCB_FAILED "\"mrsigner\" has 47 bytes, not 48" },
	{ "attributes of 7 bytes", NULL, 0, REPLACE(STAGE_TCB, "\"attributes\":\"00",
	    "\"attributes\":\""), TCB_FAILED "\"attributes\" has 7 bytes, not 8" },
	{ "mask of 9 bytes", NULL, 0, REPLACE(STAGE_TCB, "\"attributesMask\":\"",
	    "\"attributesMask\":\"00"), TCB_FAILED "\"attributesMask\" has 9 bytes, not 8" },
	{ "another module signer", NULL, 0, REPLACE(STAGE_TCB, "\"mrsigner\":\"00",
	    "\"mrsigner\":\"01"), "TDX module MRSIGNER mismatch: expected *, got *" },
	{ "MRSIGNERSEAM of somebody", NULL, 0, PATCH(STAGE_REPORT, TD_MR_SIGNER_SEAM, "01"),
	    "TDX module MRSIGNER mismatch: expected *, got *" },
	{ "other module attributes", NULL, 0, REPLACE(STAGE_TCB, "\"attributes\":\"00",
	    "\"attributes\":\"01"),
	    "TDX module SEAMATTRIBUTES mismatch at byte 0: expected 01, got 00" },
	{ "SEAM attributes of the report", NULL, 0, PATCH(STAGE_REPORT, TD_SEAM_ATTRIBUTES, "01"),
	    "TDX module SEAMATTRIBUTES mismatch at byte 0: expected 00, got 01" },
	{ "SEAM attributes, last byte", NULL, 0, PATCH(STAGE_REPORT, TD_SEAM_ATTRIBUTES + 7, "80"),
	    "TDX module SEAMATTRIBUTES mismatch at byte 7: expected 00, got 80" },
	{ "module version 1 without identities", NULL, 0, PATCH(STAGE_REPORT, 1, "01"),
	    "TDX TCB Info is missing tdxModuleIdentities field" },
};

/* SEAM attributes outside a mask, and all the same not zero inside it. */
static void
seam_outside(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	mock_tcb(&tcb, &g->intel);
	tcb.tdx_module.mask = "FFFFFFFFFFFFFF7F";
	g->intel.tcb.text = document_tcb(&tcb);
	g->intel.quote.body[TD_SEAM_ATTRIBUTES + 7] = 0x80;
}

static void
seam_wanted(struct guest *g, struct judge *judge, int arg)
{
	struct document_tcb tcb;

	mock_tcb(&tcb, &g->intel);
	tcb.tdx_module.attributes = "0100000000000000";
	g->intel.tcb.text = document_tcb(&tcb);
	g->intel.quote.body[TD_SEAM_ATTRIBUTES] = 1;
}

static const struct row seam_rows[] = {
	{ "SEAM attributes outside the mask", seam_outside, 0, {0},
	    "TDX module SEAMATTRIBUTES has bits set outside mask at byte 7" },
	{ "SEAM attributes as the module's, not zero", seam_wanted, 0, {0},
	    "TDX module SEAMATTRIBUTES is not zero" },
};

/* ---- QE identity ---- */

static const struct row qe_rows[] = {
	{ "QE identity is no JSON", NULL, 0, SET(STAGE_QE, "[]"),
	    QE_FAILED "\"enclaveIdentity\" is an array, not an object" },
	{ "CVE-2026-22696: identity of the SGX QE", NULL, 0, REPLACE(STAGE_QE, "TD_QE", "QE"),
	    "Unsupported QE Identity id/version for the quote TEE type: QE/2" },
	{ "CVE-2026-22696: identity of the QvE", NULL, 0, REPLACE(STAGE_QE, "TD_QE", "QVE"),
	    "Unsupported QE Identity id/version for the quote TEE type: QVE/2" },
	{ "CVE-2026-22696: identity of the QAE", NULL, 0, REPLACE(STAGE_QE, "TD_QE", "QAE"),
	    "Unsupported QE Identity id/version for the quote TEE type: QAE/2" },
	{ "QE identity of version 1", NULL, 0, REPLACE(STAGE_QE, "\"version\":2", "\"version\":1"),
	    "Unsupported QE Identity id/version for the quote TEE type: TD_QE/1" },
	{ "QE identity of version 3", NULL, 0, REPLACE(STAGE_QE, "\"version\":2", "\"version\":3"),
	    NULL },
	{ "QE identity of version 4", NULL, 0, REPLACE(STAGE_QE, "\"version\":2", "\"version\":4"),
	    "Unsupported QE Identity id/version for the quote TEE type: TD_QE/4" },
	{ "no id", NULL, 0, REPLACE(STAGE_QE, "\"id\"", "\"ID\""), QE_FAILED MISSING("id") },
	{ "no issueDate", NULL, 0, REPLACE(STAGE_QE, "issueDate", "date"),
	    "Failed to parse QE Identity issue date: \"issueDate\" is missing" },
	{ "no nextUpdate", NULL, 0, REPLACE(STAGE_QE, "nextUpdate", "date"),
	    "Failed to parse QE Identity next update: \"nextUpdate\" is missing" },
	{ "no miscselect", NULL, 0, REPLACE(STAGE_QE, "\"miscselect\"", "\"misc\""),
	    QE_FAILED MISSING("miscselect") },
	{ "miscselect of 3 bytes", NULL, 0, REPLACE(STAGE_QE, "\"miscselect\":\"00",
	    "\"miscselect\":\""), QE_FAILED "\"miscselect\" has 3 bytes, not 4" },
	{ "no miscselectMask", NULL, 0, REPLACE(STAGE_QE, "miscselectMask", "mask"),
	    QE_FAILED MISSING("miscselectMask") },
	{ "no attributes", NULL, 0, REPLACE(STAGE_QE, "\"attributes\"", "\"attr\""),
	    QE_FAILED MISSING("attributes") },
	{ "no attributesMask", NULL, 0, REPLACE(STAGE_QE, "attributesMask", "mask"),
	    QE_FAILED MISSING("attributesMask") },
	{ "no mrsigner", NULL, 0, REPLACE(STAGE_QE, "mrsigner", "signer"),
	    QE_FAILED MISSING("mrsigner") },
	{ "mrsigner of 31 bytes", NULL, 0, REPLACE(STAGE_QE, "\"mrsigner\":\"44",
	    "\"mrsigner\":\""), QE_FAILED "\"mrsigner\" has 31 bytes, not 32" },
	{ "no isvprodid", NULL, 0, REPLACE(STAGE_QE, "isvprodid", "prodid"),
	    QE_FAILED MISSING("isvprodid") },
	{ "isvprodid 65536", NULL, 0, REPLACE(STAGE_QE, "\"isvprodid\":1", "\"isvprodid\":65536"),
	    QE_FAILED "\"isvprodid\" is more than 65535" },
	{ "no tcbLevels", NULL, 0, REPLACE(STAGE_QE, "tcbLevels", "levels"),
	    QE_FAILED MISSING("tcbLevels") },
	{ "isvsvn 65536", NULL, 0, REPLACE(STAGE_QE, "\"isvsvn\":1", "\"isvsvn\":65536"),
	    QE_FAILED "\"isvsvn\" is more than 65535" },
	{ "unknown status", NULL, 0, REPLACE(STAGE_QE, "UpToDate", "Fine"),
	    QE_FAILED "unknown tcbStatus" },
	{ "isvsvn twice", NULL, 0, REPLACE(STAGE_QE, "{\"isvsvn\":1}",
	    "{\"isvsvn\":9,\"isvsvn\":1}"),
	    QE_FAILED "JSON object at byte 390 repeats a key" },
	{ "no level", NULL, 0, REPLACE(STAGE_QE, "\"tcbLevels\":[", "\"tcbLevels\":[],\"x\":["),
	    "No TCB levels found in QE Identity" },
	{ "level above the QE", NULL, 0, REPLACE(STAGE_QE, "\"isvsvn\":1", "\"isvsvn\":2"),
	    "QE ISVSVN 1 is below minimum required 2 from QE Identity" },
	{ "CVE-2026-22696: another signer of the QE", NULL, 0, REPLACE(STAGE_QE,
	    "\"mrsigner\":\"44", "\"mrsigner\":\"45"),
	    "QE MRSIGNER mismatch: expected 45444444444444444444444444444444"
	    "44444444444444444444444444444444, got 44444444444444444444444444444444"
	    "44444444444444444444444444444444" },
	{ "CVE-2026-22696: QE report of another signer", NULL, 0, PATCH(STAGE_QE_REPORT,
	    ENCLAVE_MR_SIGNER + 31, "00"), "QE MRSIGNER mismatch: expected "
	    "4444444444444444444444444444444444444444444444444444444444444444, got "
	    "4444444444444444444444444444444444444444444444444444444444444400" },
	{ "another product", NULL, 0, REPLACE(STAGE_QE, "\"isvprodid\":1", "\"isvprodid\":2"),
	    "QE ISVPRODID mismatch: expected 2, got 1" },
	{ "QE report of another product", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_ISV_PROD_ID,
	    "0200"), "QE ISVPRODID mismatch: expected 1, got 2" },
	{ "QE report with MISCSELECT", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_MISC_SELECT, "01"),
	    "QE MISCSELECT mismatch: expected 00000000, got 00000001" },
	{ "MISCSELECT wanted", NULL, 0, REPLACE(STAGE_QE, "\"miscselect\":\"00",
	    "\"miscselect\":\"01"), "QE MISCSELECT mismatch: expected 00000001, got 00000000" },
	{ "QE report with an attribute", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_ATTRIBUTES, "10"),
	    "QE ATTRIBUTES mismatch at byte 0: expected 00, got 10" },
	{ "attribute wanted", NULL, 0, REPLACE(STAGE_QE, "\"attributes\":\"00",
	    "\"attributes\":\"10"), "QE ATTRIBUTES mismatch at byte 0: expected 10, got 00" },
	{ "attribute in byte 7", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_ATTRIBUTES + 7, "01"),
	    "QE ATTRIBUTES mismatch at byte 7: expected 00, got 01" },
	{ "XFRM is masked out", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_ATTRIBUTES + 8, "e7"),
	    NULL },
	{ "QE in debug mode, masked out", NULL, 0, PATCH(STAGE_QE_REPORT, ENCLAVE_ATTRIBUTES,
	    "02"), "QE report validation failed: Debug mode is enabled" },
	{ "QE revoked", NULL, 0, REPLACE(STAGE_QE, "UpToDate", "Revoked"),
	    "TCB status is invalid: Revoked" },
};

#define PREFIX  "Quote verification failed: failed to verify TDX quote: "
#define TABLE(rows)     judge_table(&(struct table){ PREFIX, NULL, rows, NELEM(rows) })

static void
test_signers(void **state)
{
	TABLE(signer_rows);
}

static void
test_signatures(void **state)
{
	TABLE(signature_rows);
}

static void
test_tcb_info(void **state)
{
	TABLE(tcb_rows);
}

static void
test_module(void **state)
{
	TABLE(module_rows);
	TABLE(seam_rows);
}

static void
test_qe_identity(void **state)
{
	TABLE(qe_rows);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_tcb_info),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_qe_identity),
	};

	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
