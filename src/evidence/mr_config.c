#include "evidence/mr_config.h"

#include "core/digest.h"
#include "core/hex.h"
#include "core/json.h"
#include "evidence/keccak.h"

#define APP_ID_LEN              20
#define COMPOSE_HASH_LEN        32
#define DOCUMENT_TAG            "dstack-mr-config-v3:"
#define DOCUMENT_LEN_MAX        65536           /* bytes; real ones have 400      */
#define CONFIG_LEN_MAX          10485760        /* bytes, as an attestation       */
#define CONFIG_DEPTH_MAX        64
#define CONFIG_VALUES_MAX       4096

static void
id_text(char text[2 * MR_CONFIG_ID_LEN + 1], struct bytes id)
{
	hex_text(text, id);
}

/*
 * Stricter: a guest compares its compose file with this and does not boot on a difference, so
 * no genuine evidence has one.
 */
static bool
v1_check(struct bytes id, const struct app_info *app, struct reason *why)
{
	uint8_t wanted[MR_CONFIG_ID_LEN] = { 1 };
	char want[2 * MR_CONFIG_ID_LEN + 1], got[2 * MR_CONFIG_ID_LEN + 1];
	bool sound = app->compose_hash.len == COMPOSE_HASH_LEN;

	if (sound)
		bytes_copy(wanted + 1, app->compose_hash);
	if (sound && bytes_equal(id, BYTES_OF(wanted)))
		return true;
	id_text(got, id);
	id_text(want, BYTES_OF(wanted));
	return reject(why, REASON_REFUSED, "MRCONFIGID mismatch, quoted: %s, expected: %s",
	    got, want);
}

/* The byte that stands for the key provider in version 2; false when we know no such. */
static bool
provider_kind(uint8_t *out, const struct app_info *app)
{
	static const char *const names[] = { "none", "local-sgx", "kms", "tpm" };

	for (size_t i = 0; i < NELEM(names); i++) {
		if (!bytes_equal(app->key_provider.name, bytes_str(names[i])))
			continue;
		*out = (uint8_t)i;
		return true;
	}
	return false;
}

/* Whether the hash part of an id is `hash` and the rest zero. */
static bool
id_holds(struct bytes id, const uint8_t hash[32])
{
	return memcmp(id.ptr + 1, hash, 32) == 0 &&
	    bytes_zero((struct bytes){ id.ptr + 33, id.len - 33 });
}

static enum mr_config_verdict
v2_verdict(struct arena *arena, struct bytes id, const struct app_info *app,
    struct warnings *warnings)
{
	struct reason why;
	struct bytes provider_id;
	uint8_t kind, hash[KECCAK256_LEN], *hashed;
	size_t len = COMPOSE_HASH_LEN + APP_ID_LEN + 1;

	if (app->compose_hash.len != COMPOSE_HASH_LEN || app->app_id.len != APP_ID_LEN ||
	    !provider_kind(&kind, app) ||
	    !hex_decode_arena(&provider_id, arena, app->key_provider.id, EVENT_PAYLOAD_MAX, &why) ||
	    (hashed = arena_alloc(arena, len + provider_id.len, &why)) == NULL) {
		warn_of(warnings, "MRCONFIGID version 2 cannot be checked with these events");
		return MR_CONFIG_NULL;
	}
	bytes_copy(hashed, app->compose_hash);
	bytes_copy(hashed + COMPOSE_HASH_LEN, app->app_id);
	hashed[len - 1] = kind;
	bytes_copy(hashed + len, provider_id);
	keccak256(hash, (struct bytes){ hashed, len + provider_id.len });
	if (id_holds(id, hash))
		return MR_CONFIG_TRUE;
	warn_of(warnings, "MRCONFIGID version 2 does not match the events");
	return MR_CONFIG_FALSE;
}

void
mr_config_v3_hash(struct digest256 *hash, struct bytes document)
{
	const struct bytes parts[] = {
		{ (const uint8_t *)DOCUMENT_TAG, sizeof DOCUMENT_TAG }, /* with its NUL   */
		document,
	};

	digest256_of_parts(hash, parts, NELEM(parts));
}

/* Whether a member, where it is given, says in hex what the event said. */
static bool
member_agrees(struct arena *arena, const struct json *document, const char *key,
    struct bytes event)
{
	struct reason why;
	struct bytes value;

	if (!json_has(document, key))
		return true;
	return json_hex_var(&value, arena, document, key, EVENT_PAYLOAD_MAX, &why) &&
	    bytes_equal(value, event);
}

/* The identity in the document is that of the events. */
static bool
document_agrees(struct arena *arena, struct bytes text, const struct app_info *app)
{
	static const struct json_limits limits = {
		.text_len = DOCUMENT_LEN_MAX, .depth = CONFIG_DEPTH_MAX,
		.values = CONFIG_VALUES_MAX,
	};
	struct reason why;
	const struct json *document;

	return json_read(&document, arena, text, &limits, &why) &&
	    json_type(document) == JSON_OBJECT &&
	    json_has(document, "compose_hash") &&
	    member_agrees(arena, document, "compose_hash", app->compose_hash) &&
	    member_agrees(arena, document, "app_id", app->app_id) &&
	    member_agrees(arena, document, "instance_id", app->instance_id);
}

static enum mr_config_verdict
v3_verdict(struct arena *arena, struct bytes id, const struct app_info *app,
    struct bytes document, struct warnings *warnings)
{
	struct digest256 hash;

	if (document.len == 0)
		return MR_CONFIG_NULL;
	mr_config_v3_hash(&hash, document);
	if (!id_holds(id, hash.data)) {
		warn_of(warnings, "MRCONFIGID version 3 does not match the document");
		return MR_CONFIG_FALSE;
	}
	if (!document_agrees(arena, document, app)) {
		warn_of(warnings, "MRCONFIGID document does not match the events");
		return MR_CONFIG_FALSE;
	}
	return MR_CONFIG_TRUE;
}

bool
mr_config_check(enum mr_config_verdict *verdict, struct arena *arena, struct bytes id,
    const struct app_info *app, struct bytes document, struct warnings *warnings,
    struct reason *why)
{
	*verdict = MR_CONFIG_NULL;
	if (id.len != MR_CONFIG_ID_LEN)
		return reject(why, REASON_INTERNAL, "MRCONFIGID has %zu bytes, not %d",
		    id.len, MR_CONFIG_ID_LEN);
	if (bytes_zero(id))
		return true;
	switch (id.ptr[0]) {
	case 1:
		if (!v1_check(id, app, why))
			return false;
		*verdict = MR_CONFIG_TRUE;
		return true;
	case 2:
		*verdict = v2_verdict(arena, id, app, warnings);
		return true;
	case 3:
		*verdict = v3_verdict(arena, id, app, document, warnings);
		return true;
	default:
		warn_of(warnings, "MRCONFIGID has unknown version %u", id.ptr[0]);
		return true;
	}
}

void
mr_config_document(struct bytes *out, struct arena *arena, struct bytes config)
{
	static const struct json_limits limits = {
		.text_len = CONFIG_LEN_MAX, .depth = CONFIG_DEPTH_MAX,
		.values = CONFIG_VALUES_MAX,
	};
	struct reason why;
	const struct json *root;

	*out = (struct bytes){ NULL, 0 };
	if (!json_read(&root, arena, config, &limits, &why) || !json_has(root, "mr_config") ||
	    !json_str(out, arena, root, "mr_config", DOCUMENT_LEN_MAX, &why))
		*out = (struct bytes){ NULL, 0 };
}
