/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_COUNTING_H
#define TESTS_SUPPORT_COUNTING_H

/*
 * A guest of 512 bytes of machine code, which goes over its memory and then prints a number on the
 * serial port, one higher each time: whoever stood still, ran twice or lost a byte is found by the
 * numbers.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define BOOT_IMAGE_SIZE (1 << 20) /* bytes; firmware boots no virtio disk of one sector */

/* The code is for address 0x7c00; what is in it is reached by its distance from the beginning. */
__asm__(".pushsection .rodata\n"
	".code16\n"
	"boot_begin:\n"
	"	cli\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	inb $0x92, %al\n" /* addresses beyond 1 MiB */
	"	orb $2, %al\n"
	"	outb %al, $0x92\n"
	"	lgdtl boot_gdtr - boot_begin + 0x7c00\n"
	"	movl %cr0, %eax\n"
	"	orb $1, %al\n"
	"	movl %eax, %cr0\n"
	"	ljmpl $8, $(boot_wide - boot_begin + 0x7c00)\n"
	".code32\n"
	"boot_wide:\n"
	"	movw $16, %ax\n"
	"	movw %ax, %ds\n"
	"	movl $0x1000000, %edi\n" /* fill pages with what cannot be left out */
	"	movl boot_filled - boot_begin + 0x7c00, %ecx\n"
	"	shll $10, %ecx\n"
	"	movl $1, %eax\n"
	"1:	imull $1103515245, %eax, %eax\n"
	"	addl $12345, %eax\n"
	"	movl %eax, (%edi)\n"
	"	addl $4, %edi\n"
	"	loop 1b\n"
	"	xorl %ebx, %ebx\n"
	"2:	incl %ebx\n" /* a round: change every page */
	"	movl $0x1000000, %edi\n"
	"	movl boot_pages - boot_begin + 0x7c00, %ecx\n"
	"3:	movl %ebx, (%edi)\n"
	"	movl boot_delay - boot_begin + 0x7c00, %eax\n"
	"4:	decl %eax\n"
	"	jns 4b\n"
	"	addl $4096, %edi\n"
	"	loop 3b\n"
	"	movl %ebx, %esi\n" /* and say so: eight digits and a newline */
	"	movl $8, %ecx\n"
	"5:	roll $4, %esi\n"
	"	movl %esi, %eax\n"
	"	andb $15, %al\n"
	"	addb $0x30, %al\n"
	"	cmpb $0x39, %al\n"
	"	jbe 6f\n"
	"	addb $39, %al\n"
	"6:	movw $0x3f8, %dx\n"
	"	outb %al, %dx\n"
	"	loop 5b\n"
	"	movb $10, %al\n"
	"	outb %al, %dx\n"
	"	cmpl $0, boot_writes - boot_begin + 0x7c00\n"
	"	je 2b\n"
	"	movw $0x1f2, %dx\n" /* and on the second IDE disk: one sector … */
	"	movb $1, %al\n"
	"	outb %al, %dx\n"
	"	incl %edx\n"
	"	movb $8, %al\n" /* … the eighth … */
	"	outb %al, %dx\n"
	"	incl %edx\n"
	"	movb $0, %al\n"
	"	outb %al, %dx\n"
	"	incl %edx\n"
	"	outb %al, %dx\n"
	"	incl %edx\n"
	"	movb $0xf0, %al\n"
	"	outb %al, %dx\n"
	"	incl %edx\n"
	"	movb $0x30, %al\n" /* … is to be written, … */
	"	outb %al, %dx\n"
	"7:	inb %dx, %al\n"
	"	testb $8, %al\n"
	"	jz 7b\n"
	"	movw $0x1f0, %dx\n"
	"	movl $128, %ecx\n"
	"	movl %ebx, %eax\n"
	"8:	outl %eax, %dx\n" /* … full of the number */
	"	loop 8b\n"
	"	movw $0x1f7, %dx\n"
	"9:	inb %dx, %al\n"
	"	testb $0x80, %al\n"
	"	jnz 9b\n"
	"	jmp 2b\n"
	"	.balign 8\n"
	"boot_gdt:\n"
	"	.quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff\n"
	"boot_gdtr:\n"
	"	.word 23\n"
	"	.long boot_gdt - boot_begin + 0x7c00\n"
	"boot_filled:\n"
	"	.long 0\n"
	"boot_pages:\n"
	"	.long 0\n"
	"boot_delay:\n"
	"	.long 0\n"
	"boot_writes:\n"
	"	.long 0\n"
	"boot_end:\n"
	".code64\n"
	".popsection\n");

extern const unsigned char boot_begin[], boot_filled[], boot_pages[], boot_delay[], boot_writes[],
	boot_end[];

/* What the counting guest does between two numbers. */
struct work {
	unsigned pages;  /* changes so many */
	unsigned delay;  /* and takes its time with each */
	unsigned writes; /* also to the disk hdb */
	unsigned filled; /* at first, where that is more than it changes */
};

/* An image to boot from; 0, or -1 with errno. */
__attribute__((unused)) static int boot_write(const char *path, struct work work)
{
	unsigned char sector[512] = {0};
	size_t size = (size_t)(boot_end - boot_begin);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	bool written;

	if (work.filled < work.pages)
		work.filled = work.pages;
	memcpy(sector, boot_begin, size);
	memcpy(sector + (boot_filled - boot_begin), &work.filled, sizeof work.filled);
	memcpy(sector + (boot_pages - boot_begin), &work.pages, sizeof work.pages);
	memcpy(sector + (boot_delay - boot_begin), &work.delay, sizeof work.delay);
	memcpy(sector + (boot_writes - boot_begin), &work.writes, sizeof work.writes);
	sector[510] = 0x55;
	sector[511] = 0xaa;
	if (fd < 0)
		return -1;
	written = size <= 446 && pwrite(fd, sector, sizeof sector, 0) == sizeof sector &&
		  ftruncate(fd, BOOT_IMAGE_SIZE) == 0;
	return close(fd) || !written ? -1 : 0;
}

#endif
