#include "verify/os_image.h"

#include "core/hex.h"
#include "measure/image_compare.h"
#include "verify/policy_check.h"

#define OS_IMAGE_FAILED         "OS image hash verification failed"

static bool
fail_os_image(struct verdict *v, enum verdict_code code, struct reason *why)
{
	(void)reject_as(why, OS_IMAGE_FAILED);
	return verdict_fail(v, why->kind == REASON_INTERNAL ? VERDICT_INTERNAL : code, why);
}

/* The failure a caller reported for this fact; NULL when it was not asked for yet. */
static const struct dv_failure *
failure_find(const struct dv_request *request, const struct dv_key *key)
{
	for (size_t i = 0; i < request->nfailures; i++)
		if (request->failures[i].key.type == key->type &&
		    request->failures[i].key.initrd_addr == key->initrd_addr &&
		    memcmp(request->failures[i].key.image, key->image, sizeof key->image) == 0)
			return &request->failures[i];
	return NULL;
}

/* Asks for a fact about the published image, or says why it could not be had. */
static bool
image_need(struct verdict *v, enum dv_fact_type type, uint32_t initrd_addr,
    const struct dv_request *request)
{
	struct dv_key key;
	const struct dv_failure *failure;
	struct reason why = { 0 };
	char hash[2 * SHA256_DIGEST_LENGTH + 1];

	memset(&key, 0, sizeof key);
	key.type = type;
	key.initrd_addr = initrd_addr;
	memcpy(key.image, v->os_image_hash.data, sizeof key.image);
	failure = failure_find(request, &key);
	if (failure == NULL) {
		v->needs[v->nneeds++] = key;
		return false;
	}
	if (failure->refusal.len != 0) {
		(void)reject(&why, failure->retryable ? REASON_UNAVAILABLE : REASON_REFUSED, "%.*s",
		    (int)failure->refusal.len, (const char *)failure->refusal.ptr);
		return fail_os_image(v, failure->retryable ? VERDICT_IMAGE_UNAVAILABLE :
		    VERDICT_OS_IMAGE_REFUSED, &why);
	}
	hex_text(hash, BYTES_OF(v->os_image_hash.data));
	if (failure->http_status == 404 || failure->http_status == 410)
		(void)reject(&why, REASON_UNAVAILABLE, "Failed to download image: "
		    "HTTP status %u %s", failure->http_status,
		    failure->http_status == 404 ? "Not Found" : "Gone");
	else
		(void)reject(&why, REASON_UNAVAILABLE,
		    "Failed to download image: server not reachable");
	(void)reject_as(&why, "Failed to download image %s", hash);
	return fail_os_image(v, VERDICT_IMAGE_UNAVAILABLE, &why);
}

/* The record of the published image, which this call asks for when it is not at hand. */
static bool
record_find(struct dv_context *context, struct verdict *v, const struct dv_request *request)
{
	v->record = images_find(context->images, &v->os_image_hash);
	return v->record != NULL || image_need(v, DV_FACT_IMAGE, 0, request);
}

static void
quoted_registers(struct launch_registers *out, const struct td_report *td)
{
	bytes_copy(out->mrtd.data, td->mr_td);
	for (size_t i = 0; i < NELEM(out->rtmr); i++)
		bytes_copy(out->rtmr[i].data, td->rt_mr[i]);
}

void
os_image_legacy_input(struct legacy_input *out, struct launch_registers *quoted,
    struct dv_context *context, const struct verdict *v)
{
	quoted_registers(quoted, &v->dcap.quote.td);
	*out = (struct legacy_input){
		.record = v->record,
		.config = &v->config,
		.quoted = quoted,
		.cache = context->acpi,
	};
}

void
os_image_lite_input(struct lite_input *out, struct launch_registers *quoted,
    struct dv_context *context, const struct verdict *v)
{
	quoted_registers(quoted, &v->dcap.quote.td);
	*out = (struct lite_input){
		.config = &v->config,
		.log = &v->evidence.log,
		.quoted = quoted,
		.minimum_version = context->options.policy.minimum_measurement_version,
		.cache = context->acpi,
	};
}

static enum verdict_code
legacy_code(const struct verdict *v, const struct reason *why)
{
	if (v->legacy.mismatch)
		return VERDICT_MEASUREMENT_MISMATCH;
	return why->kind == REASON_UNAVAILABLE ? VERDICT_IMAGE_UNAVAILABLE :
	    VERDICT_OS_IMAGE_REFUSED;
}

static bool
legacy_judge(struct dv_context *context, struct verdict *v, const struct dv_request *request)
{
	struct launch_registers quoted;
	struct legacy_input input;
	struct reason why = { 0 };
	enum legacy_outcome outcome;

	os_image_legacy_input(&input, &quoted, context, v);
	outcome = legacy_check(&v->legacy, &input, &why);
	if (outcome == LEGACY_NEEDS_KERNEL) {
		input.kernel = images_kernel_find(context->images, &v->os_image_hash,
		    v->legacy.initrd_addr);
		if (input.kernel != NULL)
			outcome = legacy_check(&v->legacy, &input, &why);
	}
	switch (outcome) {
	case LEGACY_NEEDS_KERNEL:
		return image_need(v, DV_FACT_KERNEL, v->legacy.initrd_addr, request);
	case LEGACY_REFUSED:
		return fail_os_image(v, legacy_code(v, &why), &why);
	case LEGACY_MATCHED:
		break;
	}
	v->image_source = IMAGE_SOURCE_IMAGE_DOWNLOAD;
	return true;
}

static bool
lite_judge(struct dv_context *context, struct verdict *v)
{
	struct launch_registers quoted;
	struct lite_input input;
	struct reason why = { 0 };

	os_image_lite_input(&input, &quoted, context, v);
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

/*
 * The document of a request that verifies, against the record of the image it names.  A difference
 * is for the policy to refuse, which asked for the comparison; what the document says did boot.
 */
static bool
published_compare(struct verdict *v, const struct verdict_terms *terms)
{
	struct tdx_document doc;
	struct reason why = { 0 };

	if (!tdx_document_read(&doc, v->config.tdx.measurement,
	    terms->policy->minimum_measurement_version, &why))
		return fail_os_image(v, VERDICT_OS_IMAGE_REFUSED, &why);
	v->image_differs = !image_compare(v->record, &doc, &why);
	if (v->image_differs)
		warn_of(&v->warnings, "%s", why.text);
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
		if (!lite_judge(context, v))
			return false;
		if (!anchor_published(terms->policy))
			return true;
		break;
	case VM_VARIANT_LEGACY:
		break;
	}
	if (!policy_image_check(v, terms, &why))
		return verdict_fail(v, VERDICT_POLICY, &why);
	if (!record_find(context, v, request))
		return false;
	return v->config.variant == VM_VARIANT_LITE ? published_compare(v, terms) :
	    legacy_judge(context, v, request);
}
