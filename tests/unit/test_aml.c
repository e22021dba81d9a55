#include "testing.h"

#include "measure/acpi/asl.h"

/* A piece of AML and its bytes.  Long content is in its own tests. */
#define ROW(name_, bytes_, ...)                                         \
	{                                                               \
		.name = (name_),                                        \
		.terms = (const struct aml_term[]){ __VA_ARGS__ },      \
		.n = sizeof((const struct aml_term[]){ __VA_ARGS__ }) / \
		    sizeof(struct aml_term),                            \
		.bytes = (bytes_), .len = sizeof(bytes_) - 1,           \
	}

static const struct {
	const char *name;
	const struct aml_term *terms;
	size_t  n;
	const char *bytes;
	size_t  len;
} rows[] = {
	ROW("zero", "\x00", Int(0)),
	ROW("one", "\x01", Int(1)),
	ROW("two", "\x0A\x02", Int(2)),
	ROW("last byte", "\x0A\xFF", Int(0xFF)),
	ROW("first word", "\x0B\x00\x01", Int(0x100)),
	ROW("last word", "\x0B\xFF\xFF", Int(0xFFFF)),
	ROW("first dword", "\x0C\x00\x00\x01\x00", Int(0x10000)),
	ROW("last dword", "\x0C\xFF\xFF\xFF\xFF", Int(0xFFFFFFFF)),
	ROW("first qword", "\x0E\x00\x00\x00\x00\x01\x00\x00\x00", Int(UINT64_C(1) << 32)),

	ROW("text", "\x0D" "ACPI0010\x00", Text("ACPI0010")),
	ROW("empty text", "\x0D\x00", Text("")),
	ROW("four characters", "_HID", Ref("_HID")),
	ROW("padded", "S08_", Ref("S08")),
	ROW("root", "\\\x00", Ref("\\")),
	ROW("nothing", "\x00", Ref("")),
	ROW("from the root", "\\_SB_", Ref("\\_SB")),
	ROW("two segments", "\x2E_SB_PCI0", Ref("_SB.PCI0")),
	ROW("of the parent", "^\x2ES08_PCNT", Ref("^S08.PCNT")),
	ROW("four segments", "\\\x2F\x04_SB_PCI0PRESCPLK", Ref("\\_SB.PCI0.PRES.CPLK")),
	ROW("EISA", "\x0C\x41\xD0\x0A\x08", EisaId("PNP0A08")),
	ROW("EISA, hexadecimal", "\x0C\x41\xD0\x0F\x13", EisaId("PNP0F13")),
	ROW("UUID", "\x11\x13\x0A\x10\x5B\x4D\xDB\x33\xF7\x1F\x1C\x40"
	    "\x96\x57\x74\x41\xC0\x3D\xD7\x66",
	    ToUuid("33DB4D5B-1FF7-401C-9657-7441C03DD766")),

	ROW("empty package", "\x12\x02\xFF", EmptyPackage(255)),
	ROW("package", "\x12\x05\x02\x00\x0A\x10", Package(2, Int(0), Int(16))),
	ROW("package in a package", "\x12\x06\x01\x12\x03\x01\x01",
	    Package(1, Package(1, Int(1)))),
	ROW("buffer", "\x11\x03\x01\x00", BeginBuffer, U8(0), End),
	ROW("empty buffer", "\x11\x02\x00", BeginBuffer, End),
	ROW("resources", "\x11\x0D\x0A\x0A\x47\x01\x60\x00\x60\x00\x01\x02\x79\x00",
	    ResourceTemplate(Io(0x60, 1, 2))),

	ROW("scope", "\x10\x05\x5C\x00\x5B\x31", Scope("\\", Debug)),
	ROW("device", "\x5B\x82\x0B\x53\x30\x30\x5F\x08_ADR\x00",
	    Device("S00", Name("_ADR", Int(0)))),
	ROW("method", "\x14\x08_STA\x0A\xA4\x69", Method("_STA", 2, SERIALIZED, Return(Arg(1)))),
	ROW("empty method", "\x14\x06_DIS\x00", EmptyMethod("_DIS", 0, NOT_SERIALIZED)),
	ROW("processor", "\x5B\x83\x0B" "C0FE\xFE\x00\x00\x00\x00\x00",
	    BeginProcessor("C0FE", 254), End),
	ROW("mutex", "\x5B\x01" "BLCK\x00", Mutex("BLCK")),
	ROW("acquire, release", "\x5B\x23" "BLCK\xFF\xFF\x5B\x27" "BLCK",
	    Acquire("BLCK"), Release("BLCK")),
	ROW("region", "\x5B\x80" "DBG_\x01\x0B\x02\x04\x01",
	    OperationRegion("DBG", SYSTEM_IO, 0x402, 1)),
	ROW("field", "\x5B\x81\x14PRST\x41\x00\x20" "CPEN\x01\x00\x03" "CS\x5F\x5F\x08",
	    Field("PRST", BYTE_ACC | WRITE_AS_ZEROS, Reserved(32), Bits("CPEN", 1), Reserved(3),
		Bits("CS", 8))),
	ROW("field of 63 bits", "F___\x4F\x03", Bits("F", 63)),
	ROW("field of 62 bits", "F___\x3E", Bits("F", 62)),

	ROW("operators", "\x70\x7D\x79\x01\x0A\x07\x00\x60\x00\x88\x61\x00\x00",
	    Store(Or(ShiftLeft(Int(1), Int(7), Nowhere), Local(0), Nowhere),
		Index(Local(1), Int(0)))),
	ROW("if, else", "\xA0\x06\x92\x93\x60\x01\xA5\xA1\x03\xA4\x00",
	    If(LNot(LEqual(Local(0), Int(1))), Break), Else(Return(Int(0)))),
	ROW("while", "\xA2\x06\x95\x60\x61\x75\x60", While(LLess(Local(0), Local(1)),
	    Increment(Local(0)))),

	ROW("level interrupt", "\x89\x06\x00\x09\x01\x10\x00\x00\x00",
	    Interrupt(INTERRUPT_LEVEL, 16)),
	ROW("three edge interrupts", "\x89\x0E\x00\x0B\x03\x05\x00\x00\x00"
	    "\x0A\x00\x00\x00\x0B\x00\x00\x00",
	    Interrupt3(INTERRUPT_EDGE, 5, 10, 11)),
	ROW("IRQ", "\x22\x00\x10", IrqNoFlags(12)),
	ROW("shared IRQ", "\x23\x10\x00\x18", IrqSharedLow(4)),
	ROW("buses", "\x88\x0D\x00\x02\x0C\x00\x00\x00\x05\x00\x07\x00\x00\x00\x03\x00",
	    BusRange(5, 7)),
	ROW("ports", "\x88\x0D\x00\x01\x0C\x03\x00\x00\x00\x0D\xFF\xFF\x00\x00\x00\xF3",
	    IoRange(0xD00, 0xFFFF)),
	ROW("memory", "\x87\x17\x00\x00\x0C\x03\x00\x00\x00\x00\x00\x00\x0A\x00\xFF\xFF\x0B\x00"
	    "\x00\x00\x00\x00\x00\x00\x02\x00", MemoryRange32(CACHED, 0xA0000, 0xBFFFF)),

	ROW("left out", "\x01", Only(false, Int(0), Scope("\\", Debug)), Int(1)),
	ROW("kept", "\x00\x01", Only(true, Int(0)), Int(1)),
	ROW("kept in left out", "\x01", Only(false, Int(0), Only(true, Int(0)), Int(0)), Int(1)),
	ROW("left out in kept", "\x01\x01", Only(true, Int(1), Only(false, Int(0)), Int(1))),
};

static void
test_terms(void **state)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		uint8_t room[64] = { 0 };
		struct bytebuf out = { .ptr = room, .max_len = sizeof room };
		struct aml a = { .out = &out };

		aml_put(&a, rows[i].terms, rows[i].n);
		if (out.full || a.depth != 0 || a.skip != 0 || out.len != rows[i].len ||
		    memcmp(room, rows[i].bytes, out.len) != 0)
			fail_msg("%s: %zu bytes, not %zu, or others", rows[i].name, out.len,
			    rows[i].len);
	}
}

/* A Scope over `n` more bytes than its name; gives the bytes of its length, big endian. */
static uint32_t
length_of(size_t n)
{
	static uint8_t room[(1 << 20) + 64];
	struct bytebuf out = { .ptr = room, .max_len = sizeof room };
	struct aml a = { .out = &out };
	uint32_t value = 0;

	AML(&a, BeginScope("_SB"));
	bytebuf_zeros(&out, n);
	AML(&a, End);
	assert_false(out.full);
	for (size_t i = 1; i < out.len - 4 - n; i++)
		value = value << 8 | room[i];
	return value;
}

static void
test_length_widths(void **state)
{
	assert_int_equal(length_of(0), 5);
	assert_int_equal(length_of(58), 63);
	assert_int_equal(length_of(59), 0x4104);                /* 65 */
	assert_int_equal(length_of(4089), 0x4FFF);              /* 4095 */
	assert_int_equal(length_of(4090), 0x810001);            /* 4097 */
	assert_int_equal(length_of((1 << 20) - 8), 0x8FFFFF);
	assert_int_equal(length_of((1 << 20) - 7), 0xC1000001);
}

/* A buffer of n bytes: its own size is between the length and the content. */
static void
test_buffer_sizes(void **state)
{
	static const size_t sizes[] = { 1, 2, 60, 61, 255, 256 };
	uint8_t room[300];

	for (size_t i = 0; i < NELEM(sizes); i++) {
		struct bytebuf out = { .ptr = room, .max_len = sizeof room };
		struct aml a = { .out = &out };
		const size_t size_len = sizes[i] < 2 ? 1 : sizes[i] < 256 ? 2 : 3;
		const size_t width = sizes[i] + size_len + 1 < 64 ? 1 : 2;

		AML(&a, BeginBuffer);
		bytebuf_zeros(&out, sizes[i]);
		AML(&a, End);
		assert_int_equal(out.len, 1 + width + size_len + sizes[i]);
	}
}

static void
device_write(struct bytebuf *out)
{
	struct aml a = { .out = out };

	AML(&a, Device("HPET",
	    Name("_CRS", ResourceTemplate(Memory32Fixed(0xFED00000, 0x400))),
	    Name("_UID", Package(2, Int(0), Text("text")))));
}

/* Whatever the room, nothing is written past it, and the lack of it is noticed. */
static void
test_no_room(void **state)
{
	uint8_t room[64];
	struct bytebuf whole = { .ptr = room, .max_len = sizeof room };

	device_write(&whole);
	assert_false(whole.full);
	for (size_t max_len = 0; max_len < sizeof room; max_len++) {
		struct bytebuf out = { .ptr = room, .max_len = max_len };

		memset(room, 0xEE, sizeof room);
		device_write(&out);
		for (size_t i = max_len; i < sizeof room; i++)
			assert_int_equal(room[i], 0xEE);
		assert_int_equal(out.full, max_len < whole.len);
		assert_true(out.len <= max_len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_length_widths),
		cmocka_unit_test(test_buffer_sizes),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("aml", tests, NULL, NULL);
}
