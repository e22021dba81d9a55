#include "dcap/qe_identity.h"

#include "core/hex.h"
#include "dcap/report.h"

/* Nodes of the largest document, with room; the text itself stays where it is. */
#define SCRATCH_MAX_LEN         ((size_t)2 << 20)

static bool
enclave_read(struct qe_identity *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	uint64_t prod_id;

	if (!json_hex(out->misc_select, root, "miscselect", sizeof out->misc_select, why) ||
	    !json_hex(out->misc_select_mask, root, "miscselectMask",
	    sizeof out->misc_select_mask, why) ||
	    !json_hex(out->attributes, root, "attributes", sizeof out->attributes, why) ||
	    !json_hex(out->attributes_mask, root, "attributesMask",
	    sizeof out->attributes_mask, why) ||
	    !json_hex(out->mr_signer, root, "mrsigner", sizeof out->mr_signer, why) ||
	    !json_u64(&prod_id, root, "isvprodid", UINT16_MAX, why))
		return false;
	out->isv_prod_id = (uint16_t)prod_id;
	return isv_levels_read(&out->levels, &out->nlevels, reader, root, UINT16_MAX, why);
}

static bool
head_read(struct qe_identity *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	uint64_t version, number;
	struct bytes id;

	if (!json_value_check(root, JSON_OBJECT, "enclaveIdentity", why) ||
	    !json_str(&id, reader->scratch, root, "id", TCB_STRING_MAX_LEN, why) ||
	    !arena_copy(reader->arena, &out->id, id, why) ||
	    !json_u64(&version, root, "version", UINT8_MAX, why) ||
	    !json_u64(&number, root, "tcbEvaluationDataNumber", UINT32_MAX, why))
		return false;
	out->version = (uint8_t)version;
	out->evaluation_data_number = (uint32_t)number;
	return true;
}

static bool
body_read(struct qe_identity *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	if (!head_read(out, reader, root, why) || !enclave_read(out, reader, root, why))
		return reject_as(why, "Failed to decode QeIdentity");
	if (!tcb_date_read(&out->issue_date, reader, root, "issueDate", why))
		return reject_as(why, "Failed to parse QE Identity issue date");
	if (!tcb_date_read(&out->next_update, reader, root, "nextUpdate", why))
		return reject_as(why, "Failed to parse QE Identity next update");
	return true;
}

bool
qe_identity_read(struct qe_identity *out, struct bytes text, struct arena *arena,
    struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = QE_IDENTITY_MAX_LEN,
		.depth = TCB_JSON_DEPTH,
		.values = TCB_JSON_MAX_VALUES,
	};
	AUTO(arena_free) struct arena *scratch = arena_new(SCRATCH_MAX_LEN);
	struct tcb_reader reader = { .arena = arena, .scratch = scratch };
	const struct json *root;

	*out = (struct qe_identity){ .version = 0 };
	if (scratch == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!json_read(&root, scratch, text, &limits, why))
		return reject_as(why, "Failed to decode QeIdentity");
	return body_read(out, &reader, root, why);
}

bool
qe_identity_window_check(const struct qe_identity *qe, int64_t now, struct reason *why)
{
	if (now < qe->issue_date)
		return reject(why, REASON_REFUSED, "QE Identity issue date is in the future");
	if (now > qe->next_update)
		return reject(why, REASON_REFUSED, "QE Identity expired");
	return true;
}

bool
qe_identity_check(const struct qe_identity *qe, enum dv_tee tee, struct reason *why)
{
	if (tee == DV_TEE_SGX && bytes_equal(qe->id, bytes_str("QE")) && qe->version == 2)
		return true;
	if (tee == DV_TEE_TDX && bytes_equal(qe->id, bytes_str("TD_QE")) &&
	    (qe->version == 2 || qe->version == 3))
		return true;
	return reject(why, REASON_REFUSED,
	    "Unsupported QE Identity id/version for the quote TEE type: %.*s/%u",
	    (int)qe->id.len, (const char *)qe->id.ptr, qe->version);
}

static uint32_t
u32_le(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	    (uint32_t)bytes[3] << 24;
}

static bool
mr_signer_check(const struct qe_identity *qe, const struct enclave_report *report,
    struct reason *why)
{
	char expected[2 * 32 + 1] = "", got[2 * 32 + 1] = "";

	if (bytes_equal(report->mr_signer, BYTES_OF(qe->mr_signer)))
		return true;
	hex_encode_upper(expected, BYTES_OF(qe->mr_signer));
	hex_encode_upper(got, report->mr_signer);
	return reject(why, REASON_REFUSED, "QE MRSIGNER mismatch: expected %s, got %s",
	    expected, got);
}

bool
qe_identity_report_check(const struct qe_identity *qe, const struct enclave_report *report,
    struct reason *why)
{
	uint32_t mask = u32_le(qe->misc_select_mask);
	uint32_t want = u32_le(qe->misc_select) & mask;

	if (!mr_signer_check(qe, report, why))
		return false;
	if (report->isv_prod_id != qe->isv_prod_id)
		return reject(why, REASON_REFUSED, "QE ISVPRODID mismatch: expected %u, got %u",
		    qe->isv_prod_id, report->isv_prod_id);
	if ((report->misc_select & mask) != want)
		return reject(why, REASON_REFUSED,
		    "QE MISCSELECT mismatch: expected %08X, got %08X", want,
		    report->misc_select & mask);
	for (size_t i = 0; i < sizeof qe->attributes; i++) {
		uint8_t expected = qe->attributes[i] & qe->attributes_mask[i];
		uint8_t got = report->attributes.ptr[i] & qe->attributes_mask[i];

		if (expected != got)
			return reject(why, REASON_REFUSED,
			    "QE ATTRIBUTES mismatch at byte %zu: expected %02X, got %02X", i,
			    expected, got);
	}
	return true;
}

bool
qe_identity_level_find(const struct isv_level **level, const struct qe_identity *qe,
    uint16_t isv_svn, struct reason *why)
{
	unsigned lowest = UINT16_MAX;

	if (qe->nlevels == 0)
		return reject(why, REASON_REFUSED, "No TCB levels found in QE Identity");
	*level = isv_level_find(qe->levels, qe->nlevels, isv_svn);
	if (*level != NULL)
		return true;
	for (size_t i = 0; i < qe->nlevels; i++)
		if (qe->levels[i].isv_svn < lowest)
			lowest = qe->levels[i].isv_svn;
	return reject(why, REASON_REFUSED,
	    "QE ISVSVN %u is below minimum required %u from QE Identity", isv_svn, lowest);
}
