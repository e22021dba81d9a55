/*
 * measurer.c - what the files of one image measure to
 *
 * A measurer is given descriptors and a key, and answers with a record, a kernel fact, or why not.
 * It opens nothing and holds no key: whoever started it knows for which image, and signs.  It
 * parses what nobody has checked before, so it serves one image and is thrown away.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/log.h"
#include "ipc/message.h"
#include "measure/image_compare.h"
#include "measure/image_fact.h"
#include "measurer/shape.h"
#include "measurer_sandbox.h"

#define PROGRAM         "measurer"
#define SOCKET_FD       3               /* where every child finds its socket           */
#define ARENA_LEN       ((size_t)16 << 20)      /* papers and a VM configuration        */
#define PENDING_MAX_LEN ((size_t)1 << 20)

struct measurer {
	struct channel *channel;
	struct arena *arena;
};

/* Sends what a _write appended to the CBB, and ends the CBB. */
static bool
send_cbb(struct measurer *m, enum frame_type type, bool written, CBB *cbb, struct reason *why)
{
	bool ok = written ? channel_send(m->channel, type, 0,
	    (struct bytes){ CBB_data(cbb), CBB_len(cbb) }, NULL, -1, why) :
	    reject(why, REASON_INTERNAL, "out of memory");

	CBB_cleanup(cbb);
	return ok;
}

static bool
record_send(struct measurer *m, const struct record_message *record, struct reason *why)
{
	CBB cbb;

	if (!CBB_init(&cbb, 1024))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(m, FRAME_TYPE_RECORD, message_record_write(&cbb, record), &cbb, why);
}

/* Whether the image itself is at fault, and would be the next time. */
static bool
is_refusal(enum reason_kind kind)
{
	switch (kind) {
	case REASON_MALFORMED:
	case REASON_UNSUPPORTED:
	case REASON_REFUSED:
	case REASON_LIMIT:
		return true;
	case REASON_NONE:
	case REASON_UNAVAILABLE:
	case REASON_INTERNAL:
		break;
	}
	return false;
}

static bool
failure_send(struct measurer *m, const struct reason *found, struct reason *why)
{
	const struct record_message record = { .refused = is_refusal(found->kind),
	    .reason = bytes_str(found->text) };

	return record_send(m, &record, why);
}

/* ---- records and kernel facts ---- */

static bool
record_compute(CBB *out, struct measurer *m, const struct digest256 *hash,
    const struct input *input, struct reason *why)
{
	struct image_record record;
	struct reason difference;

	if (!image_record_compute(&record, m->arena, hash, &input->files, why) ||
	    !image_document_check(&difference, &record, input->files.manifest, input->document,
	    why))
		return false;
	/* Documents were made by the tools of their day. */
	if (difference.kind != REASON_NONE)
		log_line(LOG_WARNING, PROGRAM, "document=differs note=\"%s\"", difference.text);
	/* RTMR0 always holds the empty variable store's digest. */
	if (!record.variables_known)
		log_line(LOG_WARNING, PROGRAM, "variables=unknown note=\"a machine on this image "
		    "cannot have the registers that are expected\"");
	return image_record_write(out, &record) ||
	    reject(why, REASON_INTERNAL, "record cannot be written");
}

static bool
kernel_compute(CBB *out, struct measurer *m, const struct digest256 *hash, uint32_t initrd_addr,
    const struct image_files *files, struct reason *why)
{
	struct kernel_fact fact;

	if (!kernel_fact_compute(&fact, m->arena, hash, files, initrd_addr, why))
		return false;
	return kernel_fact_write(out, &fact) ||
	    reject(why, REASON_INTERNAL, "kernel fact cannot be written");
}

static bool
fact_compute(CBB *out, struct measurer *m, const struct dv_key *key, const int *fds,
    struct reason *why)
{
	const bool kernel = key->type == DV_FACT_KERNEL;
	struct digest256 hash;
	struct input input;
	bool ok;

	memcpy(hash.data, key->image, sizeof hash.data);
	ok = input_read(&input, fds, kernel ? INPUT_KERNEL_PART : INPUT_ALL, why) &&
	    (kernel ? kernel_compute(out, m, &hash, key->initrd_addr, &input.files, why) :
	    record_compute(out, m, &hash, &input, why));
	input_fini(&input);
	return ok;
}

static bool
measure(struct measurer *m, CBS *in, const int *fds, struct reason *why)
{
	struct record_message record = { .ok = true };
	uint8_t payload[IMAGE_FACT_MAX_LEN];
	struct reason found = { 0 };
	struct dv_key key;
	size_t len;
	CBB out;

	if (!message_key_read(&key, in, why))
		return false;
	if (CBS_len(in) != 0 || (key.type != DV_FACT_IMAGE && key.type != DV_FACT_KERNEL))
		return reject(why, REASON_MALFORMED, "MEASURE message is malformed");
	if (!CBB_init_fixed(&out, payload, sizeof payload))
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!fact_compute(&out, m, &key, fds, &found) || !CBB_finish(&out, NULL, &len)) {
		CBB_cleanup(&out);
		return failure_send(m, &found, why);
	}
	record.payload = (struct bytes){ payload, len };
	return record_send(m, &record, why);
}

/* ---- names ---- */

static bool
names_find(struct names_message *names, struct measurer *m, const struct image_files *files,
    struct bytes hash, struct reason *why)
{
	struct digest256 wanted;
	struct metadata metadata;

	if (hash.len == 0)
		digest256_of(&wanted, files->manifest);
	else
		bytes_copy(wanted.data, hash);
	if (!image_metadata_read(&metadata, m->arena, &wanted, files, why))
		return false;
	*names = (struct names_message){ bytes_str(metadata.bios), bytes_str(metadata.kernel),
	    bytes_str(metadata.initrd) };
	return true;
}

static bool
names(struct measurer *m, CBS *in, const int *fds, struct reason *why)
{
	struct bytes hash = bytes_cbs(in);
	struct names_message message;
	struct reason found = { 0 };
	struct input input;
	bool ok;
	CBB out;

	if (hash.len != 0 && hash.len != sizeof(struct digest256))
		return reject(why, REASON_MALFORMED, "PAPERS message is malformed");
	ok = input_read(&input, fds, INPUT_PAPERS, &found) &&
	    names_find(&message, m, &input.files, hash, &found);
	if (!ok)
		ok = failure_send(m, &found, why);
	else if (!CBB_init(&out, 256))
		ok = reject(why, REASON_INTERNAL, "out of memory");
	else
		ok = send_cbb(m, FRAME_TYPE_NAMES, message_names_write(&out, &message), &out,
		    why);
	input_fini(&input);
	return ok;
}

/* ---- one shape ---- */

static bool
shape_send(struct measurer *m, const CBB *json, const CBB *text, struct reason *why)
{
	const struct registers_message registers = {
		.json = { CBB_data(json), CBB_len(json) },
		.text = { CBB_data(text), CBB_len(text) },
	};
	CBB out;

	if (!CBB_init(&out, 2 * SHAPE_TEXT_MAX_LEN))
		return reject(why, REASON_INTERNAL, "out of memory");
	return send_cbb(m, FRAME_TYPE_REGISTERS, message_registers_write(&out, &registers), &out,
	    why);
}

static bool
shape(struct measurer *m, CBS *in, const int *fds, struct reason *why)
{
	struct reason found = { 0 };
	struct input input = { .files = { .initrd_size = 0 } };
	CBB json, text;
	bool ok;

	CBB_zero(&json);
	CBB_zero(&text);
	ok = CBB_init(&json, SHAPE_TEXT_MAX_LEN) && CBB_init(&text, SHAPE_TEXT_MAX_LEN) ?
	    input_read(&input, fds, INPUT_IMAGE, &found) &&
	    shape_measure(&json, &text, m->arena, &input.files, bytes_cbs(in), &found) :
	    reject(&found, REASON_INTERNAL, "out of memory");
	ok = ok ? shape_send(m, &json, &text, why) : failure_send(m, &found, why);
	CBB_cleanup(&json);
	CBB_cleanup(&text);
	input_fini(&input);
	return ok;
}

/* ---- the loop ---- */

static bool
dispatch(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why)
{
	struct measurer *m = context;
	CBS in = cbs_bytes(payload);

	arena_reset(m->arena);
	switch (frame->type) {
	case FRAME_TYPE_PAPERS:
		return names(m, &in, fds, why);
	case FRAME_TYPE_MEASURE:
		return measure(m, &in, fds, why);
	case FRAME_TYPE_SHAPE:
		return shape(m, &in, fds, why);
	default:
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	}
}

int
main(void)
{
	struct measurer m = { 0 };
	struct reason why = { 0 };

	m.arena = arena_new(ARENA_LEN);
	m.channel = channel_new(SOCKET_FD, FRAME_MEASURER, FRAME_SUPERVISOR, PENDING_MAX_LEN);
	if (m.arena == NULL || m.channel == NULL) {
		log_line(LOG_ERR, PROGRAM, "error=\"no socket on descriptor %d\"", SOCKET_FD);
		return EXIT_FAILURE;
	}
	if (measurer_sandbox(&why))
		while (channel_serve(m.channel, dispatch, &m, &why))
			(void)!channel_wait(m.channel, -1);
	channel_free(m.channel);
	arena_free(m.arena);
	if (why.kind == REASON_NONE)
		return EXIT_SUCCESS;
	log_line(LOG_ERR, PROGRAM, "error=\"%s\"", why.text);
	return EXIT_FAILURE;
}
