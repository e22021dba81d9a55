#!/bin/sh
#
# measure.sh - the command measure: registers as the independent calculator has them, refusals,
# and files that are not what the manifest says

. "$srcdir/tests/integration/lib.sh"

write=$OLDPWD/tests/tools/image-write
for variant in plain normalized "old bit" "right bit" "protocol 2.03" "protocol 2.01" \
    "protocol 1.00" "low load" "no initrd"; do
	mkdir "$variant" && "$write" "$variant" "$variant" || fail "no image $variant"
done

cat >rows.py <<'EOF'
# Each row of image.txt through the program; the rows come from another implementation.
import json, subprocess, sys

program, path = sys.argv[1:]
n = bad = 0
for row in open(path):
    image, config, outcome, digests = row.rstrip('\n').split('\t')
    n += 1
    p = subprocess.run([program, 'measure', image, '-'], input=config.encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if outcome.startswith('refused: '):
        want = 'dstack-verifier: error: ' + outcome[9:] + '\n'
        good = p.returncode == 1 and p.stdout == b'' and p.stderr.decode() == want
    else:
        good = p.returncode == 0 and p.stderr == b'' and p.stdout.count(b'\n') == 1
    if good and p.stdout:
        got = json.loads(p.stdout)
        order, kernel, profile = outcome.split()
        words = [w for w in digests.split(' ') if w]
        rtmr0 = got.get('rtmr0_genuine', got['rtmr0']) if profile == 'genuine' else got['rtmr0']
        rtmr1 = got['rtmr1_unpatched'] if kernel == 'unpatched' else got['rtmr1']
        event = {(e['register'], e['name']): e['digest'] for e in got['events']}
        match = got['measurement_match']
        good = ([got['mrtd'], rtmr0, rtmr1, got['rtmr2']] == words[:4] and
                event['rtmr0', 'td-hob'] == words[4] and len(event) == 20 and
                match['mrtd'] == order and
                match['kernel'] == ('normalized' if kernel == 'normalized' else 'patched'))
        if profile == 'newest':
            good = good and [event['rtmr0', 'acpi-' + a] for a in
                             ('loader', 'rsdp', 'tables')] == words[5:8]
        if kernel != 'unpatched':
            good = good and event['rtmr1', 'kernel'] == words[8]
    if not good:
        bad += 1
        print(image, config, outcome, p.returncode, p.stdout[:300], p.stderr[:300])
sys.exit(bad != 0 or n != 106)
EOF
python3 rows.py "$program" "$vectors/measure/image.txt" >differences ||
	fail "rows: $(head -n 3 differences)"

# One line of JSON, and the exit status.
config='{"cpu_count": 2, "memory_size": 2147483648, "qemu_version": "9.2.1", "hotplug_off": true}'
echo "$config" >vm.json
run 0 measure plain vm.json
one_line plain
hash=$(sha256sum plain/sha256sum.txt | cut -d ' ' -f 1)
grep -q "^{\"os_image_hash\":\"$hash\",\"os_image_is_dev\":false,\"os_image_version\":\"0.6.0\"," out ||
	fail "plain: $(head -c 200 out)"
[ -s err ] && fail "plain: $(cat err)"
cp out expected
run 0 measure plain - <vm.json
cmp -s out expected || fail "standard input"

# The hash of a configuration has to be the image's.
echo "{\"os_image_hash\": \"$hash\", ${config#?}" >named.json
run 0 measure plain named.json
cmp -s out expected || fail "named"
echo "{\"os_image_hash\": \"00$(echo "$hash" | cut -c 3-)\", ${config#?}" >other.json
run 1 measure plain other.json
same other 'dstack-verifier: error: os_image_hash does not match sha256(sha256sum.txt)
' err
[ -s out ] && fail "other: output"

# refused NAME FILE TEXT - with one byte more in FILE, or none of it
refused() {
	cp -R plain changed
	printf x >>"changed/$2"
	run 1 measure changed vm.json
	same "$1" "dstack-verifier: error: $3
" err
	rm -r changed
}
refused firmware ovmf.fd 'Checksum verification failed: ovmf.fd'
refused kernel bzImage 'Checksum verification failed: bzImage'
refused initrd initramfs.cpio.gz 'Checksum verification failed: initramfs.cpio.gz'
refused metadata metadata.json 'Checksum verification failed: metadata.json'
refused manifest sha256sum.txt 'sha256sum.txt is not newline-terminated text'

# What cannot be read: 2.
run 2 measure none vm.json
has none 'none/sha256sum.txt: No such file or directory' err
run 2 measure plain none.json
has "no configuration" 'none.json: No such file or directory' err
cp -R plain part && rm part/bzImage
run 2 measure part vm.json
has "no kernel" 'part/bzImage: No such file or directory' err
run 2 measure plain
has "one argument" 'measure needs IMAGE_DIR and VM_CONFIG' err

# A configuration that is none, and files that never end.
echo '{' >broken.json
run 1 measure plain broken.json
has broken 'Failed to decode VM config: Failed to parse vm config: ' err
cp -R plain pipe && rm pipe/bzImage && mkfifo pipe/bzImage
run 1 measure pipe vm.json
same pipe 'dstack-verifier: error: kernel is not a regular file
' err

finish
