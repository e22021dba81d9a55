#include "measure/image_fact.h"

#include <openssl/curve25519.h>

#include "measure/image_record.h"

static const char purpose[] = "dstack-verifier image fact";     /* with its NUL */

static const char *
type_name(enum image_fact_type type)
{
	switch (type) {
	case IMAGE_FACT_RECORD:
		return "image record";
	case IMAGE_FACT_KERNEL:
		return "kernel fact";
	}
	return "fact";
}

bool
image_fact_message_write(CBB *out, const struct image_fact_key *key, struct bytes payload)
{
	return payload.len <= IMAGE_FACT_MAX_LEN &&
	    CBB_add_bytes(out, (const uint8_t *)purpose, sizeof purpose) &&
	    CBB_add_u8(out, (uint8_t)key->type) &&
	    CBB_add_u16(out, IMAGE_RECORD_SCHEMA) &&
	    CBB_add_bytes(out, key->os_image_hash.data, sizeof key->os_image_hash.data) &&
	    CBB_add_u32(out, key->initrd_addr) &&
	    CBB_add_u32(out, (uint32_t)payload.len) &&
	    CBB_add_bytes(out, payload.ptr, payload.len);
}

static bool
signature_check(const struct image_fact_key *key, struct bytes payload, const uint8_t *signature,
    const uint8_t *public_key)
{
	uint8_t message[IMAGE_FACT_MESSAGE_MAX_LEN];
	size_t len;
	CBB out;

	return CBB_init_fixed(&out, message, sizeof message) &&
	    image_fact_message_write(&out, key, payload) && CBB_finish(&out, NULL, &len) &&
	    ED25519_verify(message, len, signature, public_key) == 1;
}

bool
image_fact_verify(struct bytes *payload, const struct image_fact_key *key, struct bytes blob,
    const uint8_t public_key[IMAGE_FACT_PUBLIC_KEY_LEN], struct reason *why)
{
	CBS signature, in = cbs_bytes(blob);

	if (blob.len > IMAGE_FACT_MAX_LEN)
		return reject(why, REASON_LIMIT, "%s has %zu bytes, more than %u",
		    type_name(key->type), blob.len, IMAGE_FACT_MAX_LEN);
	if (!CBS_get_bytes(&in, &signature, IMAGE_FACT_SIGNATURE_LEN))
		return reject(why, REASON_MALFORMED, "%s is shorter than its signature",
		    type_name(key->type));
	if (!signature_check(key, bytes_cbs(&in), CBS_data(&signature), public_key))
		return reject(why, REASON_REFUSED, "%s is not signed by this service",
		    type_name(key->type));
	*payload = bytes_cbs(&in);
	return true;
}
