#include "dcap/collateral_object.h"

#include "core/json.h"

/* Hex of both CRLs and the rest, decoded once. */
#define SCRATCH_MAX_LEN         ((size_t)32 << 20)

/* One item: which members it is made of; NULL: it has none of that kind. */
struct item_form {
	enum dv_fact_type type;
	const char *text, *signature, *chain;
	bool    hex;
	size_t  max_len;
};

static const struct item_form forms[] = {
	{ DV_FACT_ROOT_CA_CRL, "root_ca_crl", NULL, NULL, true, COLLATERAL_ROOT_CRL_MAX_LEN },
	{ DV_FACT_PCK_CRL, "pck_crl", NULL, NULL, true, CRL_MAX_LEN },
	{ DV_FACT_TCB_INFO, "tcb_info", "tcb_info_signature", "tcb_info_issuer_chain", false,
	    TCB_INFO_MAX_LEN },
	{ DV_FACT_QE_IDENTITY, "qe_identity", "qe_identity_signature",
	    "qe_identity_issuer_chain", false, QE_IDENTITY_MAX_LEN },
	{ DV_FACT_PCK_CERTIFICATE, "pck_certificate_chain", NULL, NULL, false, PEM_MAX_LEN },
};

_Static_assert(NELEM(forms) == COLLATERAL_OBJECT_MAX_ITEMS, "one place for each form");

void
collateral_object_fini(struct collateral_object *object)
{
	for (size_t i = 0; i < object->n; i++)
		collateral_free(object->items[i]);
	object->n = 0;
}

static bool
parts_read(struct bytes *text, struct bytes *signature, struct bytes *chain,
    const struct item_form *form, const struct json *root, struct arena *scratch,
    struct reason *why)
{
	*signature = *chain = (struct bytes){ NULL, 0 };
	if (form->hex)
		return json_hex_var(text, scratch, root, form->text, form->max_len, why);
	return json_str(text, scratch, root, form->text, form->max_len, why) &&
	    (form->signature == NULL || json_hex_var(signature, scratch, root, form->signature,
	    P256_SIGNATURE_LEN, why)) &&
	    (form->chain == NULL || json_str(chain, scratch, root, form->chain, PEM_MAX_LEN, why));
}

static bool
item_read(struct collateral_object *out, const struct item_form *form, bool early,
    const struct json *root, struct arena *scratch, struct reason *why)
{
	struct dv_key key;
	struct bytes text, signature, chain;

	if (!json_has(root, form->text))
		return true;
	if (!parts_read(&text, &signature, &chain, form, root, scratch, why))
		return false;
	memset(&key, 0, sizeof key);
	key.type = form->type;
	key.early = early && form->signature != NULL;
	if (!collateral_pinned_new(&out->items[out->n], &key, text, signature, chain, why))
		return false;
	out->n++;
	return true;
}

static bool
items_read(struct collateral_object *out, struct bytes json, bool early, struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = COLLATERAL_OBJECT_MAX_LEN,
		.depth = TCB_JSON_DEPTH,
		.values = TCB_JSON_MAX_VALUES,
	};
	AUTO(arena_free) struct arena *scratch = arena_new(SCRATCH_MAX_LEN);
	const struct json *root;

	if (scratch == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!json_read(&root, scratch, json, &limits, why) ||
	    !json_value_check(root, JSON_OBJECT, "collateral", why))
		return false;
	for (size_t i = 0; i < NELEM(forms); i++)
		if (!item_read(out, &forms[i], early, root, scratch, why))
			return false;
	if (out->n == 0)
		return reject(why, REASON_MALFORMED, "no item of collateral in it");
	return true;
}

bool
collateral_object_read(struct collateral_object *out, struct bytes json, bool early,
    struct reason *why)
{
	*out = (struct collateral_object){ .n = 0 };
	if (items_read(out, json, early, why))
		return true;
	collateral_object_fini(out);
	return false;
}
