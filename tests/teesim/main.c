/*
 * teesim - write a fleet of simulated machines, and serve its collateral as a PCCS does
 *
 * The directory then holds root.pem; one object of collateral per FMSPC in collateral/, and
 * wrong ones of the same names in stale/, future/ and signer/; bodies of POST /verify in bodies/;
 * and in expected.jsonl what the verifier has to find in each.
 */
#include "fleet.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX_LEN    ((size_t)1 << 20)
#define LAUNCHES_MAX    1024

static const char usage[] =
"usage: teesim fleet [OPTION...] DIR    write a fleet\n"
"       teesim serve [PCCS-OPTION...] DIR    serve DIR/collateral (tests/support/pccs.py)\n"
"\n"
"  --platforms N    1         --fmspcs N    1       --quotes N    per platform, 1\n"
"  --seed N         0         --now SECONDS         dates, the clock's\n"
"  --form FORM      v0, v1, getquote or mixed       --full        logs with all events\n"
"  --legacy         without measurement documents\n"
"  --certification N  2 or 3: quotes name their PCK certificates, and the PCCS has them\n"
"  --image FILE     legacy machines of the image with that sha256sum.txt, in the shapes of\n"
"  --launches FILE  lines of memory_size cpu_count MRTD RTMR0 RTMR1 RTMR2\n";

static void
die(const char *what, const char *name)
{
	(void)fprintf(stderr, "teesim: %s: %s\n", what, name);
	exit(1);
}

static void
make_dir(const char *path)
{
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		die("cannot make", path);
}

static void
write_file(const char *dir, const char *name, struct bytes data)
{
	const char *path = build_str(build_text("%s/%s", dir, name));
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(data.ptr, 1, data.len, file) != data.len || fclose(file) != 0)
		die("cannot write", path);
}

/* ---- collateral ---- */

static void
write_object(const struct guest *g, const char *dir, const char *kind)
{
	const char *path = build_str(build_text("%s/%s", dir, kind));
	const struct bytes fmspc = build_digits(BYTES_OF(g->intel.pck.fmspc), false);

	write_file(path, build_str(build_text("tdx-%s.json", build_str(fmspc))),
	    mock_object(&g->intel));
}

/* The collateral of a guest's platform: as it should be, and wrong in three ways. */
static void
write_collateral(const struct guest *built, const struct fleet *fleet, const char *dir)
{
	struct guest g = *built;

	write_object(&g, dir, "collateral");
	/* What guest_build() kept would stay as it was. */
	g.intel.tcb.text = g.intel.tcb.signature = g.intel.qe.text = g.intel.qe.signature = EMPTY;
	g.intel.root_crl_der = g.intel.pck_crl_der = EMPTY;
	fleet_dates(&g.intel, fleet->now - 60 * MOCK_DAY);
	write_object(&g, dir, "stale");
	fleet_dates(&g.intel, fleet->now + 10 * MOCK_DAY);
	write_object(&g, dir, "future");
	fleet_dates(&g.intel, fleet->now);
	g.intel.tcb.signer_key = g.intel.qe.signer_key = PKI_ATTESTATION;
	g.intel.root_crl.issuer_key = g.intel.pck_crl.issuer_key = PKI_ATTESTATION;
	write_object(&g, dir, "signer");
}

/* A platform's PCK certificate, for those who ask for it by its encrypted PPID. */
static void
write_pck(const struct guest *g, unsigned platform, const char *dir)
{
	const struct dv_fact fact = mock_fact(&g->intel, DV_FACT_PCK_CERTIFICATE);
	const struct bytes leaf = { fact.body.ptr, fact.body.len };
	const struct bytes chain = { fact.chain.ptr, fact.chain.len };
	const struct bytes ppid = { g->intel.quote.cert_data.ptr,
	    g->certification == 2 ? 2048 / 8 : 3072 / 8 };

	write_file(dir, build_str(build_text("collateral/pck-%05u.json", platform)), build_text(
	    "{\"encrypted_ppid\":\"%s\",\"pck_certificate\":\"%s\",\"issuer_chain\":\"%s\"}\n",
	    build_str(build_digits(ppid, true)), build_str(build_escaped(leaf)),
	    build_str(build_escaped(chain))));
}

/* ---- fleet ---- */

static void
write_platform(const struct fleet *fleet, unsigned platform, const char *dir, FILE *expected)
{
	const void *mark = build_mark();
	const char *name;
	struct bytes line;
	struct guest g;

	for (unsigned quote = 0; quote < fleet->quotes; quote++) {
		fleet_guest(&g, fleet, platform, quote);
		guest_build(&g);
		name = build_str(build_text("bodies/%05u-%03u.json", platform, quote));
		write_file(dir, name, g.body);
		line = fleet_expected(&g, name);
		if (fwrite(line.ptr, 1, line.len, expected) != line.len)
			die("cannot write", "expected.jsonl");
		if (quote == 0 && platform < fleet->fmspcs)
			write_collateral(&g, fleet, dir);
		if (quote == 0 && fleet->certification != 0)
			write_pck(&g, platform, dir);
		build_release(mark);
	}
}

static void
write_fleet(const struct fleet *fleet, const char *dir)
{
	static const char *const dirs[] = { "", "/bodies", "/collateral", "/stale", "/future",
	    "/signer" };
	struct bytes root;
	struct mock intel;
	FILE *expected;

	for (size_t i = 0; i < NELEM(dirs); i++)
		make_dir(build_str(build_text("%s%s", dir, dirs[i])));
	mock_init(&intel);
	root = mock_anchor(&intel);
	write_file(dir, "root.pem", pki_pem(&root, 1));
	expected = fopen(build_str(build_text("%s/expected.jsonl", dir)), "w");
	if (expected == NULL)
		die("cannot write", dir);
	for (unsigned platform = 0; platform < fleet->platforms; platform++)
		write_platform(fleet, platform, dir, expected);
	if (fclose(expected) != 0)
		die("cannot write", dir);
}

/* ---- command line ---- */

static uint64_t
number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0')
		die("not a number", text);
	return value;
}

static void
form_read(struct fleet *fleet, const char *text)
{
	static const char *const names[] = { "v0", "v1", "getquote" };

	fleet->mixed = strcmp(text, "mixed") == 0;
	for (size_t i = 0; i < NELEM(names); i++)
		if (strcmp(text, names[i]) == 0) {
			fleet->form = (enum guest_form)i;
			return;
		}
	if (!fleet->mixed)
		die("no such form", text);
}

static struct bytes
read_file(const char *path)
{
	static uint8_t room[FILE_MAX_LEN];
	FILE *file = fopen(path, "rb");
	size_t len = file == NULL ? 0 : fread(room, 1, sizeof room, file);

	if (len == 0 || len == sizeof room || fclose(file) != 0)
		die("cannot read", path);
	return build_keep(room, len);
}

static void
registers_read(struct fleet_launch *launch, const char *const words[4], const char *path)
{
	unsigned value;

	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < EVENT_DIGEST_LEN; j++) {
			if (strlen(words[i]) != (size_t)2 * EVENT_DIGEST_LEN ||
			    sscanf(words[i] + 2 * j, "%2x", &value) != 1)
				die("no registers", path);
			launch->registers[i][j] = (uint8_t)value;
		}
}

static void
launches_read(struct fleet *fleet, const char *path)
{
	static struct fleet_launch launches[LAUNCHES_MAX];
	char *text = (char *)(uintptr_t)build_str(read_file(path));
	char *at, *line;

	for (line = strtok_r(text, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at)) {
		struct fleet_launch *launch = &launches[fleet->nlaunches];
		const char *words[6];
		char *word;

		for (size_t i = 0; i < NELEM(words); i++)
			if ((words[i] = strtok_r(i == 0 ? line : NULL, " ", &word)) == NULL)
				die("not six words on a line", path);
		if (++fleet->nlaunches > LAUNCHES_MAX)
			die("too many lines", path);
		launch->memory_size = number(words[0]);
		launch->cpu_count = (unsigned)number(words[1]);
		registers_read(launch, &words[2], path);
	}
	fleet->launches = launches;
}

static bool
option_read(struct fleet *fleet, int option, const char *value)
{
	switch (option) {
	case 'p': fleet->platforms = (unsigned)number(value); return true;
	case 'f': fleet->fmspcs = (unsigned)number(value); return true;
	case 'q': fleet->quotes = (unsigned)number(value); return true;
	case 's': fleet->seed = number(value); return true;
	case 'n': fleet->now = (int64_t)number(value); return true;
	case 'F': form_read(fleet, value); return true;
	case 'l': fleet->full_log = true; return true;
	case 'L': fleet->legacy = true; return true;
	case 'C': fleet->certification = (unsigned)number(value); return true;
	case 'i': fleet->manifest = read_file(value); return true;
	case 'a': launches_read(fleet, value); return true;
	default: return false;
	}
}

static int
fleet_command(int argc, char **argv)
{
	static const struct option options[] = {
		{ "platforms", required_argument, NULL, 'p' },
		{ "fmspcs", required_argument, NULL, 'f' },
		{ "quotes", required_argument, NULL, 'q' },
		{ "seed", required_argument, NULL, 's' },
		{ "now", required_argument, NULL, 'n' },
		{ "form", required_argument, NULL, 'F' },
		{ "full", no_argument, NULL, 'l' },
		{ "legacy", no_argument, NULL, 'L' },
		{ "certification", required_argument, NULL, 'C' },
		{ "image", required_argument, NULL, 'i' },
		{ "launches", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	struct fleet fleet = {
		.platforms = 1, .fmspcs = 1, .quotes = 1, .now = (int64_t)time(NULL),
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!option_read(&fleet, option, optarg))
			return 2;
	if (optind + 1 != argc || fleet.platforms == 0 || fleet.quotes == 0 ||
	    fleet.fmspcs == 0 || fleet.fmspcs > fleet.platforms ||
	    (fleet.certification != 0 && fleet.certification != 2 && fleet.certification != 3) ||
	    (fleet.manifest.len == 0) != (fleet.nlaunches == 0)) {
		(void)fputs(usage, stderr);
		return 2;
	}
	write_fleet(&fleet, argv[optind]);
	return 0;
}

/* All files of a directory go to the script's command line. */
static int
serve_command(int argc, char **argv)
{
	static const char script[] = "dir=$1; shift; exec python3 '" PCCS "' \"$@\" "
	    "\"$dir\"/collateral/*.json";
	char **args = calloc((size_t)argc + 5, sizeof *args);
	int n = 0;

	if (argc < 2 || args == NULL) {
		(void)fputs(usage, stderr);
		return 2;
	}
	args[n++] = (char *)(uintptr_t)"sh";
	args[n++] = (char *)(uintptr_t)"-c";
	args[n++] = (char *)(uintptr_t)script;
	args[n++] = (char *)(uintptr_t)"sh";
	args[n++] = argv[argc - 1];
	for (int i = 1; i + 1 < argc; i++)
		args[n++] = argv[i];
	(void)execvp("sh", args);
	die("cannot run", "sh");
	return 1;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "fleet") == 0)
		return fleet_command(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "serve") == 0)
		return serve_command(argc - 1, argv + 1);
	(void)fputs(usage, stderr);
	return 2;
}
