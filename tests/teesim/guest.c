#include "guest.h"

#include <openssl/sha.h>

#define GIB             (UINT64_C(1) << 30)

static struct bytes
sha256(struct bytes data)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(data.ptr, data.len, digest);
	return build_keep(digest, sizeof digest);
}

/* ---- what a machine is ---- */

static void
init_image(struct guest *m, uint64_t seed)
{
	/* Machines of one fleet run few images. */
	const uint64_t image = seed % 4;

	m->layout = image_layout;
	m->image = (struct tdx_document){
		.version = 4, .ovmf = OVMF_PRE202505, .kernel_header_normalized = true,
		.cmdline = build_text("console=ttyS0 dstack.rootfs_hash=%s",
		    build_str(build_digits(build_random(image, "rootfs", 0, 32), false))),
		.kernel_authenticode = build_random(image, "kernel", 0, 48),
		.initrd_sha384 = build_random(image, "initrd", 0, 48),
		.mrtd_single_pass = build_random(image, "mrtd", 1, 48),
		.mrtd_two_pass = build_random(image, "mrtd", 2, 48),
		.td_hob = image_witness(&m->layout),
	};
}

static void
init_shape(struct guest *m, uint64_t seed)
{
	acpi_shape_init(&m->shape);
	m->shape.cpu_count = 1 + (uint32_t)(seed % 8);
	m->shape.memory_size = (2 + seed % 6) * GIB;
	m->shape.has_qemu_version = true;
	m->shape.qemu_version = bytes_str("9.2.1");
	m->shape.hotplug_off = true;
	m->shape.num_verity_volumes = (uint32_t)(seed % 3);
}

static void
add_runtime(struct guest *m, const char *name, struct bytes payload)
{
	MUST(m->nruntime < GUEST_EVENTS);
	m->runtime[m->nruntime++] = events_runtime(1, name, payload);
}

static void
init_runtime(struct guest *m, uint64_t seed)
{
	const struct bytes compose = build_random(seed, "compose", 0, 32);

	add_runtime(m, "system-preparing", EMPTY);
	add_runtime(m, "app-id", build_keep(compose.ptr, 20));
	add_runtime(m, "compose-hash", compose);
	add_runtime(m, "instance-id", build_random(seed, "instance", 0, 20));
	add_runtime(m, "boot-mr-done", EMPTY);
	add_runtime(m, "os-image-hash", build_random(seed, "kms image", 0, 32));
	add_runtime(m, "key-provider", build_text("{\"name\":\"kms\",\"id\":\"%s\"}",
	    build_str(build_digits(build_random(seed, "kms", 0, 91), false))));
	add_runtime(m, "storage-fs", build_copy("zfs"));
	add_runtime(m, "system-ready", EMPTY);
}

void
guest_init(struct guest *m, uint64_t seed)
{
	uint8_t *body;

	*m = (struct guest){ .form = GUEST_V0 };
	mock_init(&m->intel);
	if (seed != 0) {
		bytes_copy(m->intel.pck.ppid, build_random(seed, "ppid", 0, 16));
		mock_platform(&m->intel);
		m->intel.leaf.serial = "0d";
	}
	init_image(m, seed);
	init_shape(m, seed);
	init_runtime(m, seed);
	body = m->intel.quote.body;
	bytes_copy(body + TD_REPORT_DATA, build_random(seed, "report data", 0, 64));
	body[TD_MR_CONFIG_ID] = 1;
	bytes_copy(body + TD_MR_CONFIG_ID + 1, guest_event(m, "compose-hash")->payload);
	memcpy(body + TD_XFAM, "\xe7\x02\x06", 3);
}

struct event *
guest_event(struct guest *m, const char *name)
{
	for (size_t i = 0; i < m->nruntime; i++)
		if (bytes_equal(m->runtime[i].name, bytes_str(name)))
			return &m->runtime[i];
	build_must(0, name);
	return NULL;
}

void
guest_payload(struct guest *m, const char *name, struct bytes payload)
{
	guest_event(m, name)->payload = payload;
}

void
guest_insert(struct guest *m, size_t at, unsigned version, const char *name,
    struct bytes payload)
{
	MUST(m->nruntime < GUEST_EVENTS && at <= m->nruntime);
	memmove(&m->runtime[at + 1], &m->runtime[at],
	    (m->nruntime - at) * sizeof m->runtime[0]);
	m->runtime[at] = events_runtime(version, name, payload);
	m->nruntime++;
}

/* ---- the image's papers and the shape ---- */

static void
add_member(CBB *out, const char *name, struct bytes value)
{
	build_add(out, build_text(",\"%s\":%s", name, build_str(value)));
}

static void
add_shape(CBB *out, const struct acpi_shape *s)
{
	add_member(out, "cpu_count", build_text("%u", s->cpu_count));
	add_member(out, "memory_size", build_text("%llu", (unsigned long long)s->memory_size));
	if (s->has_qemu_version)
		add_member(out, "qemu_version", build_text("\"%s\"",
		    build_str(s->qemu_version)));
	if (s->pic != ACPI_PIC_BY_RELEASE)
		add_member(out, "pic", build_copy(s->pic == ACPI_PIC_ON ? "true" : "false"));
	add_member(out, "pci_hole64_size", build_text("%llu",
	    (unsigned long long)s->pci_hole64_size));
	add_member(out, "hugepages", build_copy(s->hugepages ? "true" : "false"));
	add_member(out, "num_gpus", build_text("%u", s->num_gpus));
	add_member(out, "num_nvswitches", build_text("%u", s->num_nvswitches));
	add_member(out, "num_nics", build_text("%u", s->num_nics));
	add_member(out, "num_verity_volumes", build_text("%u", s->num_verity_volumes));
	if (s->swtpm)
		add_member(out, "swtpm", build_copy("true"));
	add_member(out, "hotplug_off", build_copy(s->hotplug_off ? "true" : "false"));
	add_member(out, "host_share_mode", build_text("\"%s\"", build_str(s->host_share_mode)));
}

static void
add_nodes(CBB *out, const struct acpi_shape *s)
{
	if (s->n_numa_nodes == 0)
		return;
	build_add_text(out, ",\"numa_nodes\":[");
	for (size_t i = 0; i < s->n_numa_nodes; i++)
		build_add(out, s->numa_nodes[i].has_pxb_bus ?
		    build_text("%s{\"pxb_bus\":%u}", i != 0 ? "," : "", s->numa_nodes[i].pxb_bus) :
		    build_text("%s{}", i != 0 ? "," : ""));
	build_add_text(out, "]");
}

static struct bytes
vm_config(const struct guest *m)
{
	CBB out;

	MUST(CBB_init(&out, 2048));
	build_add(&out, build_text("{\"os_image_hash\":\"%s\"",
	    build_str(build_digits(m->image_hash, false))));
	add_shape(&out, &m->shape);
	add_nodes(&out, &m->shape);
	if (m->page_order != NULL)
		add_member(&out, "qemu_single_pass_add_pages", bytes_str(m->page_order));
	build_add_text(&out, ",\"image\":\"dstack-0.6.0\",\"ovmf_variant\":\"pre202505\"");
	if (m->config != NULL)
		build_add_text(&out, m->config);
	if (!m->legacy)
		build_add(&out, build_text(",\"tdx_attestation_variant\":\"lite\","
		    "\"tdx_measurement\":{\"measurement\":\"%s\",\"checksum_file\":\"%s\"}",
		    build_str(build_base64(m->document)), build_str(build_base64(m->checksum))));
	build_add_text(&out, ",\"spec_version\":1}");
	return build_finish(&out);
}

static struct bytes
checksum(const struct guest *m)
{
	const struct bytes line = build_text("%s  measurement.tdx.cbor\n",
	    build_str(build_digits(sha256(m->document), false)));

	if (m->legacy && m->manifest.len != 0)
		return m->manifest;
	return build_join((struct bytes[]){ m->manifest, line }, 2);
}

static void
build_image(struct guest *m)
{
	m->document = change_apply(&m->change, STAGE_DOCUMENT, image_document(&m->image));
	m->checksum = change_apply(&m->change, STAGE_CHECKSUM, checksum(m));
	m->image_hash = sha256(m->checksum);
	m->vm_config = change_apply(&m->change, STAGE_VM_CONFIG, vm_config(m));
}

/* ---- events and registers ---- */

/* Digests of a shape that has no tables are zero; the verifier has to refuse it anyway. */
static void
acpi_make(struct acpi_digests *out, const struct guest *m)
{
	struct arena *arena = arena_new((size_t)8 << 20);
	struct acpi_shape shape = m->shape;
	struct acpi_blobs blobs;
	struct reason why;

	MUST(arena != NULL);
	*out = (struct acpi_digests){ .loader = { 0 } };
	/* Tables show low memory alone. */
	if (m->split_memory)
		shape.memory_size = LAUNCH_SPLIT_FROM;
	/* QEMU itself is told whole MiB. */
	if (m->profile == ACPI_GENUINE)
		shape.memory_size &= ~UINT64_C(0xfffff);
	if (acpi_generate(&blobs, arena, &shape, m->profile, &why))
		acpi_digest(out, &blobs);
	if (m->own_tables)
		out->tables[0] ^= 1;
	arena_free(arena);
}

static void
set_registers(struct guest *m, const struct event launch[LAUNCH_EVENTS])
{
	const bool two_pass = m->page_order != NULL ? strcmp(m->page_order, "true") == 0 :
	    m->shape.qemu_version.len != 0 && m->shape.qemu_version.ptr[0] == '8';
	struct bytes mrtd = two_pass ? m->image.mrtd_two_pass : m->image.mrtd_single_pass;
	uint8_t *body = m->intel.quote.body;

	/* A document may hold one of a wrong length. */
	if (mrtd.len > EVENT_DIGEST_LEN)
		mrtd.len = EVENT_DIGEST_LEN;
	bytes_copy(body + TD_MRTD, mrtd);
	launch_replay((uint8_t (*)[EVENT_DIGEST_LEN])(body + TD_RTMR0), launch);
	events_replay(body + TD_RTMR3, &(struct event_list){ m->runtime, m->nruntime });
}

static void
build_events(struct guest *m)
{
	struct event launch[LAUNCH_EVENTS];
	struct acpi_digests acpi;

	acpi_make(&acpi, m);
	launch_events(launch, &m->image, &m->layout, m->shape.memory_size, m->split_memory ||
	    m->shape.memory_size >= LAUNCH_SPLIT_FROM, &acpi);
	if (!m->keep_registers)
		set_registers(m, launch);
	if (m->keep_log)
		return;
	m->nlog = 0;
	for (size_t i = 0; i < LAUNCH_EVENTS; i++)
		if (m->full_log || launch[i].payload.len != 0)
			m->log[m->nlog++] = launch[i];
	for (size_t i = 0; i < m->nruntime; i++) {
		m->log[m->nlog] = m->runtime[i];
		if (m->full_log && m->runtime[i].digest.ptr == NULL)
			m->log[m->nlog].digest = events_digest(&m->runtime[i]);
		m->nlog++;
	}
}

/* ---- quote and collateral ---- */

static void
change_array(const struct guest *m, enum stage stage, uint8_t *array, size_t len)
{
	const struct bytes out = change_apply(&m->change, stage, (struct bytes){ array, len });

	MUST(out.len == len);
	bytes_copy(array, out);
}

/* An encrypted PPID, as long as the key it is encrypted with; CPUSVN, PCESVN, PCEID. */
static struct bytes
pck_id(const struct guest *m)
{
	const struct pck *pck = &m->intel.pck;
	const uint8_t pcesvn[] = { (uint8_t)pck->pcesvn, (uint8_t)(pck->pcesvn >> 8) };
	const size_t len = m->certification == 2 ? 2048 / 8 : 3072 / 8;

	return build_join((struct bytes[]){
	    build_random(pck->ppid[0] | (uint64_t)pck->ppid[1] << 8, "encrypted ppid", 0, len),
	    BYTES_OF(pck->cpusvn), BYTES_OF(pcesvn), BYTES_OF(pck->pceid) }, 4);
}

static void
build_quote(struct guest *m)
{
	struct mock *intel = &m->intel;
	struct pki_quote *q = &intel->quote;

	change_array(m, STAGE_REPORT, q->body, q->body_len);
	change_array(m, STAGE_QE_REPORT, q->qe_report, sizeof q->qe_report);
	intel->leaf.sgx = change_apply(&m->change, STAGE_SGX, intel->leaf.sgx);
	if (m->certification != 0) {
		q->cert_type = (uint16_t)m->certification;
		q->cert_data = change_apply(&m->change, STAGE_PCK_ID, pck_id(m));
	}
	if (m->change.stage == STAGE_PCK_PEM)
		q->cert_data = change_apply(&m->change, STAGE_PCK_PEM, mock_pck_pem(intel));
	m->quote = change_apply(&m->change, STAGE_QUOTE, mock_quote(intel));
}

static void
change_document(struct guest *m, enum dv_fact_type type, struct mock_document *d,
    enum stage before, enum stage sent, enum stage signature)
{
	d->text = change_apply(&m->change, before, mock_document_text(&m->intel, type));
	d->signature = change_apply(&m->change, signature,
	    mock_document_signature(&m->intel, type));
	d->text = change_apply(&m->change, sent, d->text);
}

static void
build_collateral(struct guest *m)
{
	struct mock *intel = &m->intel;

	change_document(m, DV_FACT_TCB_INFO, &intel->tcb, STAGE_TCB, STAGE_TCB_SENT,
	    STAGE_TCB_SIGNATURE);
	change_document(m, DV_FACT_QE_IDENTITY, &intel->qe, STAGE_QE, STAGE_QE_SENT,
	    STAGE_QE_SIGNATURE);
	intel->root_crl_der = change_apply(&m->change, STAGE_ROOT_CRL,
	    mock_crl(intel, DV_FACT_ROOT_CA_CRL));
	intel->pck_crl_der = change_apply(&m->change, STAGE_PCK_CRL,
	    mock_crl(intel, DV_FACT_PCK_CRL));
	m->collateral = change_apply(&m->change, STAGE_COLLATERAL, mock_object(intel));
}

/* ---- attestation and request ---- */

static void
build_attestation(struct guest *m)
{
	struct evidence e = m->evidence;

	if (e.report_data.ptr == NULL)
		e.report_data = build_keep(m->intel.quote.body + TD_REPORT_DATA, 64);
	e.variant = EVIDENCE_TDX;
	e.pod = m->pod;
	e.report_data_payload = m->pod_payload;
	e.quote = m->quote;
	e.log = (struct event_list){ m->log, m->nlog };
	if (e.runtime.event == NULL)
		e.runtime = (struct event_list){ m->runtime, m->nruntime };
	e.config = m->vm_config;
	m->attestation = change_apply(&m->change, STAGE_ATTESTATION,
	    m->form == GUEST_V1 ? encode_v1(&e, 0) : encode_v0(&e));
}

static struct bytes
request(struct guest *m)
{
	const char *more = m->request != NULL ? m->request : "";

	if (m->form != GUEST_GETQUOTE) {
		build_attestation(m);
		return build_text("{\"attestation\":\"%s\"%s}",
		    build_str(build_digits(m->attestation, false)), more);
	}
	m->event_log = change_apply(&m->change, STAGE_LOG,
	    events_json(&(struct event_list){ m->log, m->nlog }));
	return build_text("{\"quote\":\"%s\",\"event_log\":\"%s\",\"vm_config\":\"%s\"%s}",
	    build_str(build_digits(m->quote, false)),
	    build_str(build_escaped(m->event_log)), build_str(build_escaped(m->vm_config)), more);
}

void
guest_build(struct guest *m)
{
	const bool td = m->intel.tee == DV_TEE_TDX;

	if (td) {
		build_image(m);
		build_events(m);
	}
	build_quote(m);
	build_collateral(m);
	if (td)
		m->body = change_apply(&m->change, STAGE_BODY, request(m));
}
