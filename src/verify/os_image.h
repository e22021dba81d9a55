/*
 * os_image.h - the third proof: the launch registers are those of the image that is named
 */
#ifndef VERIFY_OS_IMAGE_H
#define VERIFY_OS_IMAGE_H

#include "verify/context.h"

/*
 * os_image_judge - by the document of the request, or by the record of the published image
 *
 *   v       quote and event log are verified
 *   gives   false with v->code set, or with v->needs when facts are missing
 */
bool    os_image_judge(struct dv_context *context, struct verdict *v,
            const struct verdict_terms *terms, const struct dv_request *request) MUST_CHECK;

/*
 * os_image_legacy_input, os_image_lite_input - what the checks of such an image are made with
 *
 *   quoted  filled in; has to live as long as *out
 *   v       has_config; legacy: with the record, and no kernel fact is looked for
 */
void    os_image_legacy_input(struct legacy_input *out, struct launch_registers *quoted,
            struct dv_context *context, const struct verdict *v);
void    os_image_lite_input(struct lite_input *out, struct launch_registers *quoted,
            struct dv_context *context, const struct verdict *v);

#endif
