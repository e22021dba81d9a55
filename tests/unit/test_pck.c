#include "testing.h"

#include "../teesim/pki.h"
#include "dcap/pck.h"

#define BASE            "1.2.840.113741.1.13.1"
#define MISSING(path)   "Intel extension path " BASE path " is missing"
#define MALFORMED       "Intel extension is malformed"
#define SOME            "Intel extension has some but not all TCB components"
#define DIFFER          "Intel extension's TCB components differ from CpuSvn"

/* Of a real leaf of the Platform CA. */
static const char genuine[] =
    "30820226301e060a2a864886f84d010d01010410811dca2a26b952e85bb6448b097ba4fd30820163060a2a86"
    "4886f84d010d0102308201533010060b2a864886f84d010d0102010201033010060b2a864886f84d010d0102"
    "020201033010060b2a864886f84d010d0102030201023010060b2a864886f84d010d0102040201023010060b"
    "2a864886f84d010d0102050201043010060b2a864886f84d010d0102060201013010060b2a864886f84d010d"
    "0102070201003010060b2a864886f84d010d0102080201053010060b2a864886f84d010d0102090201003010"
    "060b2a864886f84d010d01020a0201003010060b2a864886f84d010d01020b0201003010060b2a864886f84d"
    "010d01020c0201003010060b2a864886f84d010d01020d0201003010060b2a864886f84d010d01020e020100"
    "3010060b2a864886f84d010d01020f0201003010060b2a864886f84d010d0102100201003010060b2a864886"
    "f84d010d01021102010b301f060b2a864886f84d010d01021204100303020204010005000000000000000030"
    "10060a2a864886f84d010d0103040200003014060a2a864886f84d010d01040406b0c06f000000300f060a2a"
    "864886f84d010d01050a0101301e060a2a864886f84d010d0106041007828474603e7019dc930775ffe8cdd2"
    "3044060a2a864886f84d010d010730363010060b2a864886f84d010d0107010101ff3010060b2a864886f84d"
    "010d0107020101ff3010060b2a864886f84d010d0107030101ff";

static void
test_genuine(void **state)
{
	struct reason why;
	struct pck pck;

	expect_reason("genuine", pck_read(&pck, pki_hex(genuine), &why), &why, NULL);
	assert_true(bytes_equal(BYTES_OF(pck.ppid), pki_hex("811dca2a26b952e85bb6448b097ba4fd")));
	assert_true(bytes_equal(BYTES_OF(pck.cpusvn),
	    pki_hex("03030202040100050000000000000000")));
	assert_int_equal(pck.pcesvn, 11);
	assert_true(bytes_equal(BYTES_OF(pck.pceid), pki_hex("0000")));
	assert_true(bytes_equal(BYTES_OF(pck.fmspc), pki_hex("b0c06f000000")));
	assert_int_equal(pck.sgx_type, PCK_SGX_SCALABLE);
	assert_true(pck.has_instance_id);
	assert_true(bytes_equal(BYTES_OF(pck.instance_id),
	    pki_hex("07828474603e7019dc930775ffe8cdd2")));
	assert_true(pck.has_configuration);
	assert_true(pck.dynamic_platform && pck.cached_keys && pck.smt_enabled);
}

/* What may be there or not, and what flags say. */
static void
test_optional(void **state)
{
	static const struct pck rows[] = {
		{ .pcesvn = 1 },
		{ .pcesvn = 0xffff, .cpusvn = { 255, 128, 127 }, .ppid = { 1 }, .pceid = { 1, 2 } },
		{ .pcesvn = 0x8000, .sgx_type = PCK_SGX_SCALABLE_INTEGRITY,
		    .has_instance_id = true, .instance_id = { 9 } },
		{ .has_configuration = true, .dynamic_platform = true },
		{ .has_configuration = true, .cached_keys = true },
		{ .has_configuration = true, .smt_enabled = true },
	};
	struct reason why;
	struct pck pck;
	size_t i;
	int components;

	for (i = 0; i < NELEM(rows); i++)
		for (components = 0; components <= 1; components++) {
			expect_reason("row", pck_read(&pck, pki_sgx(&rows[i], components != 0),
			    &why), &why, NULL);
			assert_memory_equal(&pck, &rows[i], sizeof pck);
		}
}

/* One entry of the tables, by the last arcs of its OID. */
struct part {
	const char *arcs, *value;       /* DER in hex */
};

#define TCB_PCESVN      { "0211", "02010b" }
#define TCB_CPUSVN      { "0212", "041001020304000000000000000000000000" }

static struct bytes
part_list(const struct part *parts)
{
	struct bytes all[24];
	size_t n;

	for (n = 0; n < NELEM(all) && parts[n].arcs != NULL; n++)
		all[n] = pki_der(0x30, pki_join((struct bytes[]){
		    pki_der(0x06, pki_join((struct bytes[]){ pki_hex("2a864886f84d010d01"),
		    pki_hex(parts[n].arcs) }, 2)), pki_hex(parts[n].value) }, 2));
	return pki_der(0x30, pki_join(all, n));
}

/* The usual entries, `tcb` being the value of .2, with one of them replaced, and more behind. */
static struct bytes
extension(struct bytes tcb, const struct part *change, const struct part *more)
{
	static const struct part usual[] = {
		{ "01", "041000000000000000000000000000000000" },
		{ "02", NULL },
		{ "03", "04020000" },
		{ "04", "0406b0c06f000000" },
		{ "05", "0a0100" },
	};
	struct bytes all[8], value;
	const char *arcs;
	size_t i, n = 0;

	for (i = 0; i < NELEM(usual) + 1; i++) {
		if (i == NELEM(usual) && more == NULL)
			break;
		arcs = i == NELEM(usual) ? more->arcs : usual[i].arcs;
		if (i == NELEM(usual))
			value = pki_hex(more->value);
		else if (change != NULL && strcmp(change->arcs, arcs) == 0) {
			if (change->value == NULL)
				continue;
			value = pki_hex(change->value);
		} else
			value = usual[i].value != NULL ? pki_hex(usual[i].value) : tcb;
		all[n++] = pki_der(0x30, pki_join((struct bytes[]){ pki_der(0x06,
		    pki_join((struct bytes[]){ pki_hex("2a864886f84d010d01"), pki_hex(arcs) }, 2)),
		    value }, 2));
	}
	return pki_der(0x30, pki_join(all, n));
}

static void
test_entries(void **state)
{
	static const struct part tcb[] = { TCB_PCESVN, TCB_CPUSVN, { NULL, NULL } };
	static const struct {
		const char *name;
		struct part change, more;
		const char *why;
	} cases[] = {
		{ "usual", { NULL, NULL }, { NULL, NULL }, NULL },
		{ "no PPID", { "01", NULL }, { NULL, NULL }, MISSING(".1") },
		{ "no TCB", { "02", NULL }, { NULL, NULL }, MISSING(".2") },
		{ "no PCEID", { "03", NULL }, { NULL, NULL }, MISSING(".3") },
		{ "no FMSPC", { "04", NULL }, { NULL, NULL }, MISSING(".4") },
		{ "no type", { "05", NULL }, { NULL, NULL }, MISSING(".5") },
		{ "PPID of 15", { "01", "040f000000000000000000000000000000" }, { NULL, NULL },
		    "Ppid length mismatch" },
		{ "PCEID of 3", { "03", "0403000000" }, { NULL, NULL }, "PceId length mismatch" },
		{ "FMSPC of 5", { "04", "04050000000000" }, { NULL, NULL },
		    "Fmspc length mismatch" },
		{ "FMSPC of 7", { "04", "040700000000000000" }, { NULL, NULL },
		    "Fmspc length mismatch" },
		{ "FMSPC is no octets", { "04", "0c06b0c06f000000" }, { NULL, NULL }, MALFORMED },
		{ "behind the value", { "04", "0406b0c06f0000000500" }, { NULL, NULL }, MALFORMED },
		{ "type 3", { "05", "0a0103" }, { NULL, NULL }, MALFORMED },
		{ "type is an INTEGER", { "05", "020100" }, { NULL, NULL }, MALFORMED },
		{ "type of two bytes", { "05", "0a020001" }, { NULL, NULL }, MALFORMED },
		{ "TCB is no list", { "02", "0500" }, { NULL, NULL }, MALFORMED },
		{ "FMSPC twice", { NULL, NULL }, { "04", "0406000000000000" },
		    "Intel extension repeats " BASE ".4" },
		{ "unknown entry", { NULL, NULL }, { "08", "0500" }, NULL },
		{ "unknown deeper entry", { NULL, NULL }, { "0401", "0500" }, NULL },
		{ "instance of 15", { NULL, NULL }, { "06", "040f000000000000000000000000000000" },
		    "Platform instance id length mismatch" },
		{ "configuration of 01", { NULL, NULL }, { "07",
		    "30123010060b2a864886f84d010d010701010101" }, MALFORMED },
		{ "unknown configuration", { NULL, NULL }, { "07",
		    "30123010060b2a864886f84d010d010709010101" }, NULL },
	};
	struct reason why;
	struct pck pck;
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		expect_reason(cases[i].name, pck_read(&pck, extension(part_list(tcb),
		    cases[i].change.arcs != NULL ? &cases[i].change : NULL,
		    cases[i].more.arcs != NULL ? &cases[i].more : NULL), &why), &why,
		    cases[i].why);
}

static void
test_tcb(void **state)
{
	static const struct {
		const char *name;
		struct part parts[4];
		uint16_t pcesvn;
		const char *why;
	} cases[] = {
		{ "usual", { TCB_PCESVN, TCB_CPUSVN }, 11, NULL },
		{ "order does not matter", { TCB_CPUSVN, TCB_PCESVN }, 11, NULL },
		{ "no PCESVN", { TCB_CPUSVN }, 0, MISSING(".2.17") },
		{ "no CPUSVN", { TCB_PCESVN }, 0, MISSING(".2.18") },
		{ "PCESVN twice", { TCB_PCESVN, TCB_CPUSVN, TCB_PCESVN }, 0,
		    "Intel extension repeats " BASE ".2.17" },
		{ "CPUSVN of 15", { TCB_PCESVN, { "0212", "040f000000000000000000000000000000" } },
		    0, "CpuSvn length mismatch" },
		{ "PCESVN 128", { TCB_CPUSVN, { "0211", "02020080" } }, 128, NULL },
		{ "PCESVN 65535", { TCB_CPUSVN, { "0211", "020300ffff" } }, 65535, NULL },
		{ "PCESVN 65536", { TCB_CPUSVN, { "0211", "0203010000" } }, 0,
		    "PceSvn length mismatch" },
		{ "PCESVN negative", { TCB_CPUSVN, { "0211", "020180" } }, 0, MALFORMED },
		{ "PCESVN padded", { TCB_CPUSVN, { "0211", "0202000b" } }, 0, MALFORMED },
		{ "PCESVN of nine bytes", { TCB_CPUSVN, { "0211", "0209010000000000000000" } }, 0,
		    MALFORMED },
		{ "one component", { TCB_PCESVN, TCB_CPUSVN, { "0201", "020101" } }, 0, SOME },
		{ "component 256", { TCB_PCESVN, TCB_CPUSVN, { "0201", "02020100" } }, 0,
		    MALFORMED },
		{ "component negative", { TCB_PCESVN, TCB_CPUSVN, { "0201", "0201ff" } }, 0,
		    MALFORMED },
		{ "unknown .2.19", { TCB_PCESVN, TCB_CPUSVN, { "0213", "0500" } }, 11, NULL },
	};
	struct reason why;
	struct pck pck;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		ok = pck_read(&pck, extension(part_list(cases[i].parts), NULL, NULL), &why);
		expect_reason(cases[i].name, ok, &why, cases[i].why);
		if (ok)
			assert_int_equal(pck.pcesvn, cases[i].pcesvn);
	}
}

static void
test_components(void **state)
{
	struct pck pck = { .cpusvn = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };
	struct bytes good = pki_sgx(&pck, true), entry;
	struct reason why;
	unsigned i;
	uint8_t oid[] = { 0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 0x0d, 1, 2, 0, 2, 1,
	    0 }, with[sizeof oid];

	assert_true(pck_read(&pck, good, &why));
	for (i = 1; i <= 16; i++) {
		oid[12] = (uint8_t)i;
		oid[15] = (uint8_t)i;
		memcpy(with, oid, sizeof with);
		with[15] ^= 0x40;
		entry = pki_replace(good, BYTES_OF(oid), BYTES_OF(with));
		expect_reason("component", pck_read(&pck, entry, &why), &why, DIFFER);
		with[12] = 0x40;        /* another OID: this one is missing */
		entry = pki_replace(good, BYTES_OF(oid), BYTES_OF(with));
		expect_reason("component", pck_read(&pck, entry, &why), &why, SOME);
	}
}

static void
test_form(void **state)
{
	struct bytes good = pki_hex(genuine);
	struct reason why;
	struct pck pck;
	size_t len;

	for (len = 0; len < good.len; len++)
		expect_reason("truncated", pck_read(&pck, (struct bytes){ good.ptr, len }, &why),
		    &why, MALFORMED);
	expect_reason("behind", pck_read(&pck, pki_join((struct bytes[]){ good, pki_hex("00") }, 2),
	    &why), &why, MALFORMED);
	expect_reason("empty list", pck_read(&pck, pki_hex("3000"), &why), &why, MISSING(".1"));
}

static void
test_ca(void **state)
{
	static const struct {
		const char *cn;
		enum dv_pck_ca exact, other;    /* 0: refused */
	} cases[] = {
		{ "Intel SGX PCK Processor CA", DV_PCK_CA_PROCESSOR, DV_PCK_CA_PROCESSOR },
		{ "Intel SGX PCK Platform CA", DV_PCK_CA_PLATFORM, DV_PCK_CA_PLATFORM },
		{ "Mock Intel SGX PCK Platform CA", 0, DV_PCK_CA_PLATFORM },
		{ "Platform Processor", 0, DV_PCK_CA_PROCESSOR },
		{ "Intel SGX PCK Platform CA ", 0, DV_PCK_CA_PLATFORM },
		{ "Intel SGX PCK CA", 0, 0 },
		{ "platform", 0, 0 },
		{ "", 0, 0 },
	};
	struct reason why;
	enum dv_pck_ca ca;
	size_t i;

	for (i = 0; i < NELEM(cases); i++) {
		ca = 0;
		expect_reason(cases[i].cn, pck_ca_read(&ca, bytes_str(cases[i].cn), true, &why),
		    &why, cases[i].exact != 0 ? NULL : "Unknown PCK issuer");
		assert_int_equal(ca, cases[i].exact);
		ca = 0;
		expect_reason(cases[i].cn, pck_ca_read(&ca, bytes_str(cases[i].cn), false, &why),
		    &why, cases[i].other != 0 ? NULL : "Unknown PCK issuer");
		assert_int_equal(ca, cases[i].other);
	}
	/* A certificate without a common name. */
	expect_reason("none", pck_ca_read(&ca, (struct bytes){ NULL, 0 }, false, &why), &why,
	    "Unknown PCK issuer");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_genuine),
		cmocka_unit_test(test_optional),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_tcb),
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_ca),
	};

	return cmocka_run_group_tests_name("pck", tests, NULL, NULL);
}
