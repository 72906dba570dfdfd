/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The guest of tests that only have to see whether it runs, and that it runs once: it says READY on
 * its first serial port and then "tick N", twice a second, and has nothing else to do. It is there
 * a moment after its QEMU, where Linux takes seconds of a core to boot. On its command line:
 *
 *   fill=MIB    so much of its memory has something in it
 *   write=MIB   so much it writes anew over and over, some 200 MiB/s where a core is its own
 *
 * A Multiboot kernel, which QEMU loads by itself. It is built by build-guest.
 */
#include <stdbool.h>
#include <stdint.h>

#define COM1 0x3f8
#define PIC1 0x20
#define PIC2 0xa0
#define PIT 0x40
#define TIMER_VECTOR 0x20
#define TIMER_HZ 20
#define PIT_HZ 1193182
#define TICKS_PER_S 2

#define PAGE 4096
#define PAGES_IN(mib) ((mib) * ((1 << 20) / PAGE))
#define WRITTEN_AT 0x1000000 /* beyond the program and all that the firmware uses */
#define TIMES 4              /* that a page is written: for the pace */

__asm__(".pushsection .text.unlikely\n" /* which the linker puts first */
	".align 4\n"
	"	.long 0x1badb002, 0, -0x1badb002\n"
	".globl _start\n"
	"_start:\n"
	"	movl $stack_top, %esp\n"
	"	pushl %ebx\n"
	"	call run\n"
	".popsection\n"
	".pushsection .bss\n"
	".align 16\n"
	"	.skip 16384\n"
	"stack_top:\n"
	".popsection\n");

struct boot_info { /* as far as it is read; Multiboot 0.6.96, section 3.3 */
	uint32_t flags;
	uint32_t mem[2];
	uint32_t boot_device;
	const char *cmdline; /* flags bit 2 */
};

struct table {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

struct gate {
	uint16_t low;
	uint16_t selector;
	uint16_t kind;
	uint16_t high;
};

static const uint64_t segments[] = {0, 0x00cf9a000000ffff, 0x00cf92000000ffff}; /* flat, 4 GiB */
static struct gate gates[TIMER_VECTOR + 1];
static volatile uint32_t beats; /* of the timer */

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

__attribute__((interrupt)) static void on_timer(void *frame)
{
	(void)frame;
	beats++;
	out(PIC1, 0x20);
}

static void say(const char *words)
{
	for (; *words; words++) {
		while (!(in(COM1 + 5) & 0x20))
			;
		out(COM1, (uint8_t)*words);
	}
}

static void say_number(uint32_t number)
{
	char digits[12] = {0};
	char *at = digits + sizeof digits - 1;

	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	say(at);
}

/* The number after name in words, 0 where it is not there. */
static uint32_t number_after(const char *name, const char *words)
{
	uint32_t number = 0;

	for (; *words; words++) {
		const char *a = words;
		const char *b = name;

		while (*b && *a == *b) {
			a++;
			b++;
		}
		if (*b)
			continue;
		for (; *a >= '0' && *a <= '9'; a++)
			number = number * 10 + (uint32_t)(*a - '0');
		break;
	}
	return number;
}

static void set_up_timer(void)
{
	const struct table gdt = {sizeof segments - 1, (uint32_t)segments};
	const struct table idt = {sizeof gates - 1, (uint32_t)gates};
	static const uint8_t controllers[][2] = {{PIC1, 0x11}, {PIC2, 0x11},
		{PIC1 + 1, TIMER_VECTOR}, {PIC2 + 1, TIMER_VECTOR + 8}, {PIC1 + 1, 4},
		{PIC2 + 1, 2}, {PIC1 + 1, 1}, {PIC2 + 1, 1}, {PIC1 + 1, 0xfe},
		{PIC2 + 1, 0xff}}; /* all but the timer masked */

	__asm__ volatile("lgdt %0\n"
			 "	ljmp $8, $1f\n"
			 "1:	movw $16, %%ax\n"
			 "	movw %%ax, %%ds\n"
			 "	movw %%ax, %%es\n"
			 "	movw %%ax, %%ss\n"
			 :
			 : "m"(gdt)
			 : "eax", "memory");
	gates[TIMER_VECTOR] = (struct gate){
		(uint16_t)(uint32_t)on_timer, 8, 0x8e00, (uint16_t)((uint32_t)on_timer >> 16)};
	__asm__ volatile("lidt %0" : : "m"(idt));
	for (unsigned i = 0; i < sizeof controllers / sizeof *controllers; i++)
		out(controllers[i][0], controllers[i][1]);
	out(PIT + 3, 0x34);
	out(PIT, (PIT_HZ / TIMER_HZ) & 0xff);
	out(PIT, (PIT_HZ / TIMER_HZ) >> 8);
	__asm__ volatile("sti");
}

/* Does the next of pages pages, and gives the one after it. */
static uint32_t write_page(uint32_t page, uint32_t pages)
{
	static uint32_t round = 1;

	for (int i = 0; i < TIMES; i++) {
		uint32_t words = PAGE / 4;
		void *at = (void *)(WRITTEN_AT + page * PAGE);

		__asm__ volatile("rep stosl" : "+c"(words), "+D"(at) : "a"(round + i) : "memory");
	}
	if (page + 1 < pages)
		return page + 1;
	round += TIMES;
	return 0;
}

__attribute__((noreturn, used)) static void run(const struct boot_info *info)
{
	uint32_t pages = 0;
	uint32_t page = 0;
	uint32_t count = 0;

	set_up_timer();
	if (info->flags & 4) {
		for (pages = PAGES_IN(number_after("fill=", info->cmdline)); page < pages; page++)
			write_page(page, pages);
		pages = PAGES_IN(number_after("write=", info->cmdline));
		page = 0;
	}
	say("READY\n");
	for (;;) {
		if (pages)
			page = write_page(page, pages);
		else
			__asm__ volatile("hlt");
		if (beats / (TIMER_HZ / TICKS_PER_S) <= count)
			continue;
		say("tick ");
		say_number(++count);
		say("\n");
	}
}
