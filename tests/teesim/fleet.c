#include "fleet.h"

#include <openssl/sha.h>

#define OUT_OF_DATE_EVERY       10
#define FIRST_KEY               1000    /* two for each platform: PCK, attestation     */

void
fleet_dates(struct mock *intel, int64_t now)
{
	intel->root_crl.this_update = now - 100 * MOCK_DAY;
	intel->root_crl.next_update = now + 200 * MOCK_DAY;
	intel->pck_crl.this_update = intel->tcb.issued = intel->qe.issued = now - MOCK_DAY;
	intel->pck_crl.next_update = intel->tcb.next_update = intel->qe.next_update =
	    now + 29 * MOCK_DAY;
	intel->fetched_at = now - 60;
}

static bool
out_of_date(const struct guest *g)
{
	return g->intel.pck.cpusvn[0] < g->intel.tcb.floor;
}

/* The guest runs an image whose files exist. */
static void
launch(struct guest *g, const struct fleet *fleet, size_t i)
{
	const struct fleet_launch *launch = &fleet->launches[i % fleet->nlaunches];
	uint8_t *body = g->intel.quote.body;

	g->legacy = true;
	g->manifest = fleet->manifest;
	g->shape.memory_size = launch->memory_size;
	g->shape.cpu_count = launch->cpu_count;
	g->shape.num_verity_volumes = 0;
	g->keep_registers = true;
	memcpy(body + TD_MRTD, launch->registers[0], EVENT_DIGEST_LEN);
	memcpy(body + TD_RTMR0, launch->registers[1], (size_t)3 * EVENT_DIGEST_LEN);
	events_replay(body + TD_RTMR3, &(struct event_list){ g->runtime, g->nruntime });
}

void
fleet_guest(struct guest *g, const struct fleet *fleet, unsigned platform, unsigned quote)
{
	const unsigned fmspc = platform % fleet->fmspcs;
	const uint64_t seed = fleet->seed << 32;
	struct mock *intel = &g->intel;

	guest_init(g, 1 + seed + (uint64_t)platform * fleet->quotes + quote);
	bytes_copy(intel->pck.ppid, build_random(seed, "ppid", platform, 16));
	bytes_copy(intel->pck.fmspc, build_random(seed, "fmspc", fmspc, 6));
	if (fmspc % OUT_OF_DATE_EVERY == OUT_OF_DATE_EVERY - 1)
		intel->pck.cpusvn[0] = 1;
	mock_platform(intel);
	intel->leaf.key = intel->quote.pck_key = FIRST_KEY + 2 * platform;
	intel->quote.attestation_key = FIRST_KEY + 2 * platform + 1;
	intel->leaf.serial = build_str(build_text("5a%s",
	    build_str(build_digits(build_random(seed, "serial", platform, 15), false))));
	bytes_copy(intel->quote.qe_report, BYTES_OF(intel->pck.cpusvn));
	fleet_dates(intel, fleet->now);
	g->form = fleet->mixed ? (enum guest_form)(quote % 3) : fleet->form;
	g->full_log = fleet->full_log;
	g->legacy = fleet->legacy;
	g->certification = fleet->certification;
	if (fleet->nlaunches != 0)
		launch(g, fleet, (size_t)platform * fleet->quotes + quote);
}

static struct bytes
sha256(const struct bytes *parts, size_t n)
{
	const struct bytes all = build_join(parts, n);
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(all.ptr, all.len, digest);
	return build_keep(digest, sizeof digest);
}

static void
add_hex(CBB *out, const char *name, struct bytes value)
{
	build_add(out, build_text(",\"%s\":\"%s\"", name, build_str(build_digits(value, false))));
}

static void
add_identity(CBB *out, const struct guest *g)
{
	/* A built guest; the search changes nothing. */
	struct guest *search = (struct guest *)(uintptr_t)g;

	add_hex(out, "app_id", guest_event(search, "app-id")->payload);
	add_hex(out, "compose_hash", guest_event(search, "compose-hash")->payload);
	add_hex(out, "instance_id", guest_event(search, "instance-id")->payload);
	add_hex(out, "key_provider_info", guest_event(search, "key-provider")->payload);
}

struct bytes
fleet_expected(const struct guest *g, const char *file)
{
	const uint8_t *td = g->intel.quote.body;
	const struct bytes ppid = BYTES_OF(g->intel.pck.ppid);
	const struct bytes registers = { td + TD_RTMR0, 3 * EVENT_DIGEST_LEN };
	const struct bytes mrtd = { td + TD_MRTD, EVENT_DIGEST_LEN };
	struct guest *search = (struct guest *)(uintptr_t)g;
	const struct bytes provider = guest_event(search, "key-provider")->payload;
	CBB out;

	MUST(CBB_init(&out, 2048));
	build_add(&out, build_text("{\"file\":\"%s\",\"is_valid\":%s,\"tcb_status\":\"%s\"", file,
	    g->legacy && !g->keep_registers ? "false" : "true", out_of_date(g) ? "OutOfDate" : "UpToDate"));
	add_hex(&out, "report_data", (struct bytes){ td + TD_REPORT_DATA, 64 });
	add_identity(&out, g);
	add_hex(&out, "os_image_hash", g->image_hash);
	add_hex(&out, "device_id", sha256(&ppid, 1));
	add_hex(&out, "mr_system", sha256((struct bytes[]){ mrtd, registers,
	    sha256(&provider, 1) }, 3));
	/* RTMR0 to RTMR3 lie behind one another, and before them the three configurations. */
	add_hex(&out, "mr_aggregated", sha256((struct bytes[]){ mrtd,
	    { td + TD_RTMR0, (size_t)4 * EVENT_DIGEST_LEN },
	    { td + TD_MR_CONFIG_ID, (size_t)3 * EVENT_DIGEST_LEN } }, 3));
	add_hex(&out, "ppid", ppid);
	add_hex(&out, "fmspc", BYTES_OF(g->intel.pck.fmspc));
	build_add_text(&out, "}\n");
	return build_finish(&out);
}
