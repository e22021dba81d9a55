/*
 * asl.h - the words of ACPI source language (ASL), as lists of AML terms
 *
 * Each macro stands for a list of struct aml_term, so that a C array reads like the table's
 * listing in the specification and its bytes are those of the listing, in order:
 *
 *      AML(a, Method("PCEJ", 2, NOT_SERIALIZED,
 *          Acquire("BLCK"),
 *          Store(Arg(0), Ref("BNUM")),
 *          Store(ShiftLeft(Int(1), Arg(1), Nowhere), Ref("B0EJ")),
 *          Release("BLCK"),
 *          Return(Int(0))));
 *
 * The words keep the spelling of ASL, against the rule that macros are UPPER_CASE: whoever
 * knows the one reads the other.  Three are ours: Ref() uses a name that Name() declares,
 * Only() leaves its content out unless its condition holds when the table is written, and
 * Begin...() and End stand around content that a loop writes.
 *
 * An argument that is a list of terms has commas once it is expanded, so a macro may place
 * it, but not hand it on to another macro.
 *
 * For the files that write the DSDT, and nobody else.
 */
#ifndef MEASURE_ACPI_ASL_H
#define MEASURE_ACPI_ASL_H

#include "measure/acpi/aml.h"

#define AML(a, ...)                                                     \
	do {                                                            \
		const struct aml_term terms_[] = { __VA_ARGS__ };       \
		aml_put(a, terms_, NELEM(terms_));                      \
	} while (0)

#define Op(code)                { .kind = AML_OP, .value = (code) }
#define U8(v)                   { .kind = AML_U8, .value = (v) }
#define U16(v)                  { .kind = AML_U16, .value = (v) }
#define U32(v)                  { .kind = AML_U32, .value = (v) }
#define U64(v)                  { .kind = AML_U64, .value = (v) }
#define Begin(code)             { .kind = AML_BEGIN, .value = (code) }
#define End                     { .kind = AML_END }

#define Only(condition, ...)                                            \
	{ .kind = AML_BEGIN_ONLY, .value = (condition) }, __VA_ARGS__, { .kind = AML_END_ONLY }

/* Values and names. */
#define Int(v)                  { .kind = AML_INT, .value = (v) }
#define Text(s)                 { .kind = AML_TEXT, .text = (s) }
#define Ref(path)               { .kind = AML_NAME, .text = (path) }
#define EisaId(id)              { .kind = AML_EISA, .text = (id) }
#define ToUuid(s)               { .kind = AML_UUID, .text = (s) }
#define Local(n)                Op(0x60 + (n))
#define Arg(n)                  Op(0x68 + (n))
#define Debug                   Op(0x5B31)
#define Nowhere                 U8(0)           /* the target of a result not kept */

#define BeginBuffer             { .kind = AML_BEGIN_BUFFER }
#define Buffer(...)             BeginBuffer, __VA_ARGS__, End
#define BeginPackage(count)     Begin(0x12), U8(count)
#define EmptyPackage(count)     BeginPackage(count), End
#define Package(count, ...)     BeginPackage(count), __VA_ARGS__, End

/* What declares things. */
#define Name(path, ...)         Op(0x08), Ref(path), __VA_ARGS__
#define BeginScope(path)        Begin(0x10), Ref(path)
#define Scope(path, ...)        BeginScope(path), __VA_ARGS__, End
#define BeginDevice(path)       Begin(0x5B82), Ref(path)
#define Device(path, ...)       BeginDevice(path), __VA_ARGS__, End
#define BeginProcessor(path, id)                                        \
	Begin(0x5B83), Ref(path), U8(id), U32(0), U8(0) /* no register block */
#define Mutex(path)             Op(0x5B01), Ref(path), U8(0)

#define NOT_SERIALIZED          0
#define SERIALIZED              8
#define BeginMethod(path, nargs, serialized)                            \
	Begin(0x14), Ref(path), U8((nargs) + (serialized))
#define EmptyMethod(path, nargs, serialized)                            \
	BeginMethod(path, nargs, serialized), End
#define Method(path, nargs, serialized, ...)                            \
	BeginMethod(path, nargs, serialized), __VA_ARGS__, End

#define SYSTEM_MEMORY           0
#define SYSTEM_IO               1
#define PCI_CONFIG              2
#define OperationRegion(path, space, offset, len)                       \
	Op(0x5B80), Ref(path), U8(space), Int(offset), Int(len)

#define BYTE_ACC                0x01
#define DWORD_ACC               0x03
#define LOCK                    0x10
#define WRITE_AS_ZEROS          0x40
#define Field(region, flags, ...)                                       \
	Begin(0x5B81), Ref(region), U8(flags), __VA_ARGS__, End
#define Bits(path, n)           Ref(path), { .kind = AML_BITS, .value = (n) }
#define Reserved(n)             U8(0), { .kind = AML_BITS, .value = (n) }
#define CreateDWordField(source, at, path)                              \
	Op(0x8A), source, Int(at), Ref(path)

/* What computes. */
#define Store(from, to)         Op(0x70), from, to
#define Subtract(a, b, to)      Op(0x74), a, b, to
#define Increment(a)            Op(0x75), a
#define ShiftLeft(a, n, to)     Op(0x79), a, n, to
#define ShiftRight(a, n, to)    Op(0x7A), a, n, to
#define And(a, b, to)           Op(0x7B), a, b, to
#define Or(a, b, to)            Op(0x7D), a, b, to
#define DerefOf(a)              Op(0x83), a
#define SizeOf(a)               Op(0x87), a
#define Index(a, i)             Op(0x88), a, i, Nowhere
#define LAnd(a, b)              Op(0x90), a, b
#define LOr(a, b)               Op(0x91), a, b
#define LNot(a)                 Op(0x92), a
#define LEqual(a, b)            Op(0x93), a, b
#define LGreater(a, b)          Op(0x94), a, b
#define LLess(a, b)             Op(0x95), a, b
#define ToBuffer(a, to)         Op(0x96), a, to
#define ToHexString(a, to)      Op(0x98), a, to

/* What acts. */
#define Acquire(path)           Op(0x5B23), Ref(path), U16(0xFFFF)      /* no timeout */
#define Release(path)           Op(0x5B27), Ref(path)
#define Notify(object, value)   Op(0x86), Ref(object), value
#define If(condition, ...)      Begin(0xA0), condition, __VA_ARGS__, End
#define Else(...)               Begin(0xA1), __VA_ARGS__, End
#define BeginWhile(condition)   Begin(0xA2), condition
#define While(condition, ...)   Begin(0xA2), condition, __VA_ARGS__, End
#define Return(value)           Op(0xA4), value
#define Break                   Op(0xA5)
#define Call(path, ...)         Ref(path), __VA_ARGS__

/* Resource descriptors (ACPI 6.4, section 6.4). */
#define ResourceTemplate(...)   Buffer(__VA_ARGS__, EndTag)
#define BeginResources          BeginBuffer
#define EndResources            EndTag, End
#define EndTag                  U8(0x79), U8(0)
#define Io(base, align, len)                                            \
	U8(0x47), U8(1), U16(base), U16(base), U8(align), U8(len)
#define IrqNoFlags(line)        U8(0x22), U16(1u << (line))
#define IrqSharedLow(line)      U8(0x23), U16(1u << (line)), U8(0x18)   /* level */

#define INTERRUPT_LEVEL         0x09    /* consumer, active high, shared */
#define INTERRUPT_EDGE          0x0B
#define BeginInterrupt(flags, count)                                    \
	U8(0x89), U16(2 + 4 * (count)), U8(flags), U8(count)
#define Interrupt(flags, line)  BeginInterrupt(flags, 1), U32(line)
#define Interrupt3(flags, a, b, c)                                      \
	BeginInterrupt(flags, 3), U32(a), U32(b), U32(c)

#define Memory32Fixed(base, len)                                        \
	U8(0x86), U16(9), U8(0), U32(base), U32(len)    /* read only */

/* Address spaces: a producer's, decoded positively, both ends fixed. */
#define UNCACHED                0x01    /* read and write */
#define CACHED                  0x03
#define SpaceHead(tag, len, type, flags)                                \
	U8(tag), U16(len), U8(type), U8(0x0C), U8(flags)
#define WordRange(type, flags, first, last)                             \
	SpaceHead(0x88, 13, type, flags),                               \
	U16(0), U16(first), U16(last), U16(0), U16((last) - (first) + 1)
#define BusRange(first, last)   WordRange(2, 0, first, last)
#define IoRange(first, last)    WordRange(1, 3, first, last)
#define MemoryRange32(caching, first, last)                             \
	SpaceHead(0x87, 23, 0, caching),                                \
	U32(0), U32(first), U32(last), U32(0), U32((last) - (first) + 1)
#define MemoryRange64(caching, first, last)                             \
	SpaceHead(0x8A, 43, 0, caching),                                \
	U64(0), U64(first), U64(last), U64(0), U64((last) - (first) + 1)

#endif
