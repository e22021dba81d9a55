#include "dcap/tcb_info.h"

#include <stdlib.h>

/* Nodes of the largest document, with room; the text itself stays where it is. */
#define SCRATCH_MAX_LEN         ((size_t)4 << 20)

/* Stricter: equal levels in one document are refused, as Intel's own library does. */
static const bool refuse_duplicate_levels = true;

/* Stricter: the PCEID of the PCK certificate must be the document's, as for Intel. */
static const bool compare_pce_id = true;

static bool
components_read(uint8_t svns[TCB_COMPONENTS], size_t *n, const struct json *tcb,
    const char *key, struct reason *why)
{
	const struct json *list, *item;

	*n = 0;
	if (!json_array(&list, tcb, key, why))
		return false;
	for (item = json_first(list); item != NULL; item = json_next(item)) {
		uint64_t svn;

		if (!json_value_check(item, JSON_OBJECT, key, why) ||
		    !json_u64(&svn, item, "svn", UINT8_MAX, why))
			return false;
		if (*n < TCB_COMPONENTS)
			svns[*n] = (uint8_t)svn;
		++*n;
	}
	return true;
}

static bool
level_read(struct tcb_level *out, struct tcb_reader *reader, const struct json *level,
    struct reason *why)
{
	const struct json *tcb;
	uint64_t pce_svn;

	if (!json_value_check(level, JSON_OBJECT, "tcbLevels", why) ||
	    !json_object(&tcb, level, "tcb", why) ||
	    !components_read(out->sgx, &out->nsgx, tcb, "sgxtcbcomponents", why) ||
	    !json_u64(&pce_svn, tcb, "pcesvn", UINT16_MAX, why) ||
	    (json_find(tcb, "tdxtcbcomponents") != NULL &&
	    !components_read(out->tdx, &out->ntdx, tcb, "tdxtcbcomponents", why)))
		return false;
	out->pce_svn = (uint16_t)pce_svn;
	return tcb_level_read(&out->status, &out->date, &out->advisories, reader, level, why);
}

/* Highest first: SGX components, then PCESVN, then TDX components. */
static int
level_compare(const void *left, const void *right)
{
	const struct tcb_level *a = left, *b = right;
	int order = memcmp(b->sgx, a->sgx, sizeof a->sgx);

	if (order == 0)
		order = (int)b->pce_svn - (int)a->pce_svn;
	if (order == 0)
		order = memcmp(b->tdx, a->tdx, sizeof a->tdx);
	return order;
}

static bool
levels_read(struct tcb_info *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	const struct json *list, *item;
	struct tcb_level *levels;
	size_t n = 0;

	if (!json_array(&list, root, "tcbLevels", why))
		return false;
	if (json_count(list) > TCB_MAX_LEVELS)
		return reject(why, REASON_LIMIT, "more than %d levels", TCB_MAX_LEVELS);
	if (json_count(list) == 0)
		return true;
	levels = arena_array(reader->arena, json_count(list), sizeof *levels, why);
	if (levels == NULL)
		return false;
	for (item = json_first(list); item != NULL; item = json_next(item), n++)
		if (!level_read(&levels[n], reader, item, why))
			return false;
	qsort(levels, n, sizeof *levels, level_compare);
	for (size_t i = 1; i < n && refuse_duplicate_levels; i++)
		if (level_compare(&levels[i - 1], &levels[i]) == 0)
			return reject(why, REASON_MALFORMED, "Duplicate TCB level");
	out->levels = levels;
	out->nlevels = n;
	return true;
}

static bool
module_read(struct tdx_module *out, const struct json *module, struct reason *why)
{
	return json_hex(out->mr_signer, module, "mrsigner", sizeof out->mr_signer, why) &&
	    json_hex(out->attributes, module, "attributes", sizeof out->attributes, why) &&
	    json_hex(out->attributes_mask, module, "attributesMask",
	    sizeof out->attributes_mask, why);
}

static bool
identity_read(struct tdx_module *out, struct tcb_reader *reader, const struct json *identity,
    struct reason *why)
{
	struct bytes id;

	return json_value_check(identity, JSON_OBJECT, "tdxModuleIdentities", why) &&
	    json_str(&id, reader->scratch, identity, "id", TCB_STRING_MAX_LEN, why) &&
	    arena_copy(reader->arena, &out->id, id, why) &&
	    module_read(out, identity, why) &&
	    isv_levels_read(&out->levels, &out->nlevels, reader, identity, UINT8_MAX, why);
}

static bool
identities_read(struct tcb_info *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	const struct json *list, *item;
	struct tdx_module *identities;
	size_t n = 0;

	if (json_find(root, "tdxModuleIdentities") == NULL)
		return true;
	if (!json_array(&list, root, "tdxModuleIdentities", why))
		return false;
	if (json_count(list) > TCB_INFO_MAX_IDENTITIES)
		return reject(why, REASON_LIMIT, "more than %d TDX module identities",
		    TCB_INFO_MAX_IDENTITIES);
	if (json_count(list) == 0)
		return true;
	identities = arena_array(reader->arena, json_count(list), sizeof *identities, why);
	if (identities == NULL)
		return false;
	for (item = json_first(list); item != NULL; item = json_next(item), n++)
		if (!identity_read(&identities[n], reader, item, why))
			return false;
	out->identities = identities;
	out->nidentities = n;
	return true;
}

static bool
modules_read(struct tcb_info *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	const struct json *module;

	if (json_has(root, "tdxModule")) {
		if (!json_object(&module, root, "tdxModule", why) ||
		    !module_read(&out->module, module, why))
			return false;
		out->has_module = true;
	}
	return identities_read(out, reader, root, why);
}

static void
tee_set(struct tcb_info *out, struct bytes id)
{
	out->known_tee = true;
	if (bytes_equal(id, bytes_str("SGX")))
		out->tee = DV_TEE_SGX;
	else if (bytes_equal(id, bytes_str("TDX")))
		out->tee = DV_TEE_TDX;
	else
		out->known_tee = false;
}

static bool
head_read(struct tcb_info *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	uint64_t version, type, number;
	struct bytes id;

	if (!json_value_check(root, JSON_OBJECT, "tcbInfo", why) ||
	    !json_str(&id, reader->scratch, root, "id", TCB_STRING_MAX_LEN, why) ||
	    !json_u64(&version, root, "version", UINT8_MAX, why) ||
	    !json_hex(out->fmspc, root, "fmspc", sizeof out->fmspc, why) ||
	    !json_hex(out->pce_id, root, "pceId", sizeof out->pce_id, why) ||
	    !json_u64(&type, root, "tcbType", UINT32_MAX, why) ||
	    !json_u64(&number, root, "tcbEvaluationDataNumber", UINT32_MAX, why))
		return false;
	tee_set(out, id);
	out->version = (uint8_t)version;
	out->tcb_type = (uint32_t)type;
	out->evaluation_data_number = (uint32_t)number;
	return true;
}

static bool
body_read(struct tcb_info *out, struct tcb_reader *reader, const struct json *root,
    struct reason *why)
{
	if (!head_read(out, reader, root, why) ||
	    !modules_read(out, reader, root, why) ||
	    !levels_read(out, reader, root, why))
		return reject_as(why, "Failed to decode TcbInfo");
	if (!tcb_date_read(&out->issue_date, reader, root, "issueDate", why))
		return reject_as(why, "Failed to parse TCB Info issue date");
	if (!tcb_date_read(&out->next_update, reader, root, "nextUpdate", why))
		return reject_as(why, "Failed to parse TCB Info next update");
	return true;
}

bool
tcb_info_read(struct tcb_info *out, struct bytes text, struct arena *arena,
    struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = TCB_INFO_MAX_LEN,
		.depth = TCB_JSON_DEPTH,
		.values = TCB_JSON_MAX_VALUES,
	};
	AUTO(arena_free) struct arena *scratch = arena_new(SCRATCH_MAX_LEN);
	struct tcb_reader reader = { .arena = arena, .scratch = scratch };
	const struct json *root;

	*out = (struct tcb_info){ .version = 0 };
	if (scratch == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!json_read(&root, scratch, text, &limits, why))
		return reject_as(why, "Failed to decode TcbInfo");
	return body_read(out, &reader, root, why);
}

bool
tcb_info_window_check(const struct tcb_info *tcb, int64_t now, struct reason *why)
{
	if (now < tcb->issue_date)
		return reject(why, REASON_REFUSED, "TCBInfo issue date is in the future");
	if (now > tcb->next_update)
		return reject(why, REASON_REFUSED, "TCBInfo expired");
	return true;
}

bool
tcb_info_check(const struct tcb_info *tcb, enum dv_tee tee, const uint8_t fmspc[6],
    const uint8_t pce_id[2], struct reason *why)
{
	if (memcmp(tcb->fmspc, fmspc, sizeof tcb->fmspc) != 0)
		return reject(why, REASON_REFUSED, "Fmspc mismatch");
	if (compare_pce_id && memcmp(tcb->pce_id, pce_id, sizeof tcb->pce_id) != 0)
		return reject(why, REASON_REFUSED, "PCEID mismatch");
	if (tee == DV_TEE_TDX &&
	    (!tcb->known_tee || tcb->tee != DV_TEE_TDX || tcb->version < 3))
		return reject(why, REASON_REFUSED,
		    "TDX quote with non-TDX TCB info in the collateral");
	if (tee == DV_TEE_SGX &&
	    (!tcb->known_tee || tcb->tee != DV_TEE_SGX || tcb->version < 2))
		return reject(why, REASON_REFUSED,
		    "SGX quote with non-SGX TCB info in the collateral");
	return true;
}
