/*
 * context.h - what outlives a request, and the memory of the one at hand
 */
#ifndef VERIFY_CONTEXT_H
#define VERIFY_CONTEXT_H

#include "core/json_writer.h"
#include "verify/explain.h"
#include "verify/images.h"
#include "verify/verdict.h"

struct dv_context {
	struct dv_options options;
	struct dcap *dcap;
	struct acpi_cache *acpi;
	struct acpi_cache *neighbours;  /* tables that only explanations need        */
	struct images *images;
	bool    pinned_collateral;

	/* Of the current call, until the next one. */
	struct arena *arena;
	struct request request;
	struct verdict verdict;
	struct explanation explanation; /* when one is asked for                     */
	struct reason reason;
	uint8_t *json;                  /* the answer                                */
	uint64_t operations;            /* public-key operations before the call     */
};

/* Forgets the last call's memory and empties the answer. */
void    context_begin(struct dv_context *context, struct dv_answer *answer);

void    context_terms(struct verdict_terms *terms, const struct dv_context *context,
            int64_t now);

/* Ends a call with the facts that the verdict asks for; true, always. */
bool    context_needs(struct dv_context *context, struct dv_answer *answer);

/*
 * context_answer - end a call with a text
 *
 *   json    its CBB is finished or cleaned up
 *   gives   false when memory is out
 */
bool    context_answer(struct dv_context *context, struct dv_answer *answer,
            struct json_writer *json) MUST_CHECK;

#endif
