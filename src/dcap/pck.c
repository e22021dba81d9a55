#include "dcap/pck.h"

#define N_COMPONENTS    16

/* 1.2.840.113741.1.13.1, under which everything here is named. */
static const uint8_t oid_sgx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };
#define SGX_NAME        "1.2.840.113741.1.13.1"

/* Entries by the last arc of their OID. */
enum {
	SGX_PPID = 1,
	SGX_TCB = 2,
	SGX_PCEID = 3,
	SGX_FMSPC = 4,
	SGX_TYPE = 5,
	SGX_INSTANCE_ID = 6,
	SGX_CONFIGURATION = 7,
};
enum {                          /* of SGX_TCB */
	TCB_COMPONENT_1 = 1,    /* ... 16     */
	TCB_PCESVN = 17,
	TCB_CPUSVN = 18,
};
enum {                          /* of SGX_CONFIGURATION */
	CONF_DYNAMIC_PLATFORM = 1,
	CONF_CACHED_KEYS = 2,
	CONF_SMT_ENABLED = 3,
};

/* What one SEQUENCE OF { OID, value } has shown so far. */
struct reading {
	struct pck *out;
	uint32_t seen;          /* bit per last arc */
	uint8_t components[N_COMPONENTS];
};

typedef bool each_fn(struct reading *r, unsigned arc, CBS *value, struct reason *why);

static bool
malformed(struct reason *why)
{
	return reject(why, REASON_MALFORMED, "Intel extension is malformed");
}

static bool
has_arc(const struct reading *r, unsigned arc)
{
	return (r->seen & (1u << arc)) != 0;
}

/* The last arc of an OID that is `under` and one byte more; 0 for all others. */
static unsigned
oid_arc(const CBS *oid, struct bytes under)
{
	const uint8_t *p = CBS_data(oid);

	if (CBS_len(oid) != under.len + 1 || memcmp(p, under.ptr, under.len) != 0)
		return 0;
	return p[under.len];
}

static bool
repeated(struct reason *why, struct bytes under, unsigned arc)
{
	if (under.len == sizeof oid_sgx)
		return reject(why, REASON_MALFORMED, "Intel extension repeats " SGX_NAME ".%u", arc);
	return reject(why, REASON_MALFORMED, "Intel extension repeats " SGX_NAME ".%u.%u",
	    under.ptr[under.len - 1], arc);
}

/* SEQUENCE OF SEQUENCE { OID, value }: entries under `under` go to `each`, others are skipped. */
static bool
entries_read(struct reading *r, CBS *in, struct bytes under, unsigned max_arc, each_fn *each,
    struct reason *why)
{
	CBS list, entry, oid;
	unsigned arc;

	if (!CBS_get_asn1(in, &list, CBS_ASN1_SEQUENCE) || CBS_len(in) != 0)
		return malformed(why);
	while (CBS_len(&list) != 0) {
		if (!CBS_get_asn1(&list, &entry, CBS_ASN1_SEQUENCE) ||
		    !CBS_get_asn1(&entry, &oid, CBS_ASN1_OBJECT))
			return malformed(why);
		arc = oid_arc(&oid, under);
		if (arc == 0 || arc > max_arc)
			continue;
		if (has_arc(r, arc))
			return repeated(why, under, arc);
		r->seen |= 1u << arc;
		if (!each(r, arc, &entry, why))
			return false;
		if (CBS_len(&entry) != 0)
			return malformed(why);
	}
	return true;
}

static bool
octets_read(uint8_t *out, size_t len, CBS *value, const char *name, struct reason *why)
{
	CBS octets;

	if (!CBS_get_asn1(value, &octets, CBS_ASN1_OCTETSTRING))
		return malformed(why);
	if (CBS_len(&octets) != len)
		return reject(why, REASON_MALFORMED, "%s length mismatch", name);
	bytes_copy(out, bytes_cbs(&octets));
	return true;
}

static bool
tcb_entry_read(struct reading *r, unsigned arc, CBS *value, struct reason *why)
{
	uint64_t number;

	if (arc == TCB_CPUSVN)
		return octets_read(r->out->cpusvn, sizeof r->out->cpusvn, value, "CpuSvn", why);
	/* Minimal, not negative: 00 80 00 is a PCESVN of 32768. */
	if (!CBS_get_asn1_uint64(value, &number))
		return malformed(why);
	if (arc == TCB_PCESVN) {
		if (number > UINT16_MAX)
			return reject(why, REASON_MALFORMED, "PceSvn length mismatch");
		r->out->pcesvn = (uint16_t)number;
		return true;
	}
	if (number > UINT8_MAX)
		return malformed(why);
	r->components[arc - TCB_COMPONENT_1] = (uint8_t)number;
	return true;
}

/* The components are CPUSVN written apart.  Compat: the simulator leaves them out. */
static bool
components_check(const struct reading *r, struct reason *why)
{
	const uint32_t all = ((1u << N_COMPONENTS) - 1) << TCB_COMPONENT_1;

	if ((r->seen & all) == 0)
		return true;
	if ((r->seen & all) != all)
		return reject(why, REASON_MALFORMED,
		    "Intel extension has some but not all TCB components");
	if (memcmp(r->components, r->out->cpusvn, N_COMPONENTS) != 0)
		return reject(why, REASON_MALFORMED,
		    "Intel extension's TCB components differ from CpuSvn");
	return true;
}

static bool
missing(struct reason *why, const char *name)
{
	return reject(why, REASON_MALFORMED, "Intel extension path " SGX_NAME "%s is missing", name);
}

static bool
tcb_read(struct pck *out, CBS *value, struct reason *why)
{
	static const uint8_t under[] = {
		0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, SGX_TCB,
	};
	struct reading r = { .out = out };

	if (!entries_read(&r, value, BYTES_OF(under), TCB_CPUSVN, tcb_entry_read, why))
		return false;
	if (!has_arc(&r, TCB_PCESVN))
		return missing(why, ".2.17");
	if (!has_arc(&r, TCB_CPUSVN))
		return missing(why, ".2.18");
	return components_check(&r, why);
}

static bool
configuration_entry_read(struct reading *r, unsigned arc, CBS *value, struct reason *why)
{
	int set;

	if (!CBS_get_asn1_bool(value, &set))
		return malformed(why);
	switch (arc) {
	case CONF_DYNAMIC_PLATFORM:
		r->out->dynamic_platform = set != 0;
		break;
	case CONF_CACHED_KEYS:
		r->out->cached_keys = set != 0;
		break;
	case CONF_SMT_ENABLED:
		r->out->smt_enabled = set != 0;
		break;
	default:
		break;
	}
	return true;
}

static bool
configuration_read(struct pck *out, CBS *value, struct reason *why)
{
	static const uint8_t under[] = {
		0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, SGX_CONFIGURATION,
	};
	struct reading r = { .out = out };

	out->has_configuration = true;
	return entries_read(&r, value, BYTES_OF(under), CONF_SMT_ENABLED,
	    configuration_entry_read, why);
}

static bool
sgx_type_read(struct pck *out, CBS *value, struct reason *why)
{
	CBS content;
	uint8_t type;

	if (!CBS_get_asn1(value, &content, CBS_ASN1_ENUMERATED) ||
	    !CBS_get_u8(&content, &type) || CBS_len(&content) != 0 ||
	    type > PCK_SGX_SCALABLE_INTEGRITY)
		return malformed(why);
	out->sgx_type = (enum pck_sgx_type)type;
	return true;
}

static bool
sgx_entry_read(struct reading *r, unsigned arc, CBS *value, struct reason *why)
{
	struct pck *out = r->out;

	switch (arc) {
	case SGX_PPID:
		return octets_read(out->ppid, sizeof out->ppid, value, "Ppid", why);
	case SGX_TCB:
		return tcb_read(out, value, why);
	case SGX_PCEID:
		return octets_read(out->pceid, sizeof out->pceid, value, "PceId", why);
	case SGX_FMSPC:
		return octets_read(out->fmspc, sizeof out->fmspc, value, "Fmspc", why);
	case SGX_TYPE:
		return sgx_type_read(out, value, why);
	case SGX_INSTANCE_ID:
		out->has_instance_id = true;
		return octets_read(out->instance_id, sizeof out->instance_id, value,
		    "Platform instance id", why);
	default:
		return configuration_read(out, value, why);
	}
}

bool
pck_read(struct pck *out, struct bytes extension, struct reason *why)
{
	static const struct {
		unsigned arc;
		const char *name;
	} needed[] = {
		{ SGX_PPID, ".1" },
		{ SGX_TCB, ".2" },
		{ SGX_PCEID, ".3" },
		{ SGX_FMSPC, ".4" },
		{ SGX_TYPE, ".5" },
	};
	struct reading r = { .out = out };
	CBS in = cbs_bytes(extension);
	size_t i;

	*out = (struct pck){ .pcesvn = 0 };
	if (!entries_read(&r, &in, BYTES_OF(oid_sgx), SGX_CONFIGURATION, sgx_entry_read, why))
		return false;
	for (i = 0; i < NELEM(needed); i++)
		if (!has_arc(&r, needed[i].arc))
			return missing(why, needed[i].name);
	return true;
}

static bool
name_has(struct bytes name, const char *word)
{
	return name.len != 0 && memmem(name.ptr, name.len, word, strlen(word)) != NULL;
}

bool
pck_ca_read(enum dv_pck_ca *out, struct bytes issuer_cn, bool exact, struct reason *why)
{
	const char *processor = exact ? "Intel SGX PCK Processor CA" : "Processor";
	const char *platform = exact ? "Intel SGX PCK Platform CA" : "Platform";

	if (exact ? bytes_equal(issuer_cn, bytes_str(processor)) : name_has(issuer_cn, processor))
		*out = DV_PCK_CA_PROCESSOR;
	else if (exact ? bytes_equal(issuer_cn, bytes_str(platform)) :
	    name_has(issuer_cn, platform))
		*out = DV_PCK_CA_PLATFORM;
	else    /* Stricter: upstream takes it for the Processor CA. */
		return reject(why, REASON_REFUSED, "Unknown PCK issuer");
	return true;
}
