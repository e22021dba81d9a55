#include "verify/os_image.h"

#include "core/hex.h"
#include "verify/policy_check.h"

#define OS_IMAGE_FAILED         "OS image hash verification failed"

static bool
fail_os_image(struct verdict *v, enum verdict_code code, struct reason *why)
{
	(void)reject_as(why, OS_IMAGE_FAILED);
	return verdict_fail(v, why->kind == REASON_INTERNAL ? VERDICT_INTERNAL : code, why);
}

/* The failure a caller reported for this image; NULL when it was not asked for yet. */
static const struct dv_failure *
image_failure_find(const struct dv_request *request, const struct dv_key *key)
{
	for (size_t i = 0; i < request->nfailures; i++)
		if (request->failures[i].key.type == DV_FACT_IMAGE &&
		    memcmp(request->failures[i].key.image, key->image, sizeof key->image) == 0)
			return &request->failures[i];
	return NULL;
}

/* Asks for the published image, or says why it could not be had. */
static bool
image_need(struct verdict *v, const struct verdict_terms *terms, const struct dv_request *request)
{
	struct dv_key key;
	const struct dv_failure *failure;
	struct reason why = { 0 };
	char hash[2 * SHA256_DIGEST_LENGTH + 1];

	memset(&key, 0, sizeof key);
	key.type = DV_FACT_IMAGE;
	memcpy(key.image, v->os_image_hash.data, sizeof key.image);
	failure = image_failure_find(request, &key);
	if (failure == NULL && !terms->no_images) {
		v->needs[v->nneeds++] = key;
		return false;
	}
	hex_text(hash, BYTES_OF(v->os_image_hash.data));
	if (failure != NULL && (failure->http_status == 404 || failure->http_status == 410))
		(void)reject(&why, REASON_UNAVAILABLE, "Failed to download image: "
		    "HTTP status %u %s", failure->http_status,
		    failure->http_status == 404 ? "Not Found" : "Gone");
	else
		(void)reject(&why, REASON_UNAVAILABLE,
		    "Failed to download image: server not reachable");
	(void)reject_as(&why, "Failed to download image %s", hash);
	return fail_os_image(v, VERDICT_IMAGE_UNAVAILABLE, &why);
}

static bool
lite_judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms)
{
	const struct td_report *td = &v->dcap.quote.td;
	struct launch_registers quoted;
	const struct lite_input input = {
		.config = &v->config,
		.log = &v->evidence.log,
		.quoted = &quoted,
		.minimum_version = terms->policy->minimum_measurement_version,
		.cache = context->acpi,
	};
	struct reason why = { 0 };

	bytes_copy(quoted.mrtd.data, td->mr_td);
	for (size_t i = 0; i < NELEM(quoted.rtmr); i++)
		bytes_copy(quoted.rtmr[i].data, td->rt_mr[i]);
	if (!lite_check(&v->lite, &input, &why))
		return fail_os_image(v, v->lite.computed ? VERDICT_MEASUREMENT_MISMATCH :
		    VERDICT_OS_IMAGE_REFUSED, &why);
	v->image_source = IMAGE_SOURCE_SUPPLIED_MEASUREMENT;
	return true;
}

/* Whether the published image is to confirm a document.  Unsettled: the stricter of the two. */
static bool
anchor_published(const struct dv_policy *policy)
{
	switch (policy->os_image_anchor) {
	case DV_OS_IMAGE_ANY:
	case DV_OS_IMAGE_LISTED:
		return false;
	case DV_OS_IMAGE_PUBLISHED:
	case DV_OS_IMAGE_UNSET:
		break;
	}
	return true;
}

bool
os_image_judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request)
{
	struct reason why = { 0 };

	if (!vm_config_read(&v->config, context->arena, v->evidence.vm_config, &why))
		return fail_os_image(v, VERDICT_VM_CONFIG_MALFORMED, &why);
	if (!vm_config_image_hash(&v->os_image_hash, &v->config, &why))
		return fail_os_image(v, VERDICT_VM_CONFIG_MALFORMED, &why);
	v->has_config = true;
	switch (v->config.variant) {
	case VM_VARIANT_LITE:
		if (!lite_judge(context, v, terms))
			return false;
		if (!anchor_published(terms->policy))
			return true;
		break;
	case VM_VARIANT_LEGACY:
		break;
	}
	if (!policy_image_check(v, terms, &why))
		return verdict_fail(v, VERDICT_POLICY, &why);
	return image_need(v, terms, request);
}
