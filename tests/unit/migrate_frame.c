/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrate/channel/frame.h"

struct pair {
	struct frame_key seals, opens;
	unsigned char data[FRAME_DATA_MAX], frame[FRAME_MAX], other[FRAME_MAX];
};

static void pair_init(struct pair *pair, enum cipher cipher)
{
	unsigned char key[FRAME_KEY_SIZE];

	memset(key, 7, sizeof key);
	memset(pair, 0, sizeof *pair);
	assert_int_equal(frame_key_init(&pair->seals, cipher, true, key, NULL), 0);
	assert_int_equal(frame_key_init(&pair->opens, cipher, false, key, NULL), 0);
}

static int open_frame(struct pair *pair, unsigned char *frame, size_t *size)
{
	enum frame_kind kind;

	return frame_open(&pair->opens, frame, &kind, size, NULL);
}

/* A pair of keys for each cipher that there is here. */
static void with_ciphers(void (*test)(struct pair *pair))
{
	static struct pair pair;

	assert_int_equal(sodium_init() < 0, 0);
	for (unsigned cipher = CIPHER_CHACHA20; cipher <= CIPHER_AES256; cipher <<= 1) {
		if (!(ciphers_here() & cipher))
			continue;
		pair_init(&pair, cipher);
		test(&pair);
		frame_key_release(&pair.seals);
		frame_key_release(&pair.opens);
	}
}

/* Another implementation of the same ciphers makes the same of it: the form is theirs. */
static void form(struct pair *pair)
{
	static const unsigned char nonce[12] = {0};
	unsigned char key[FRAME_KEY_SIZE], plain[64];
	unsigned long long size = 0;
	int bad;

	memset(key, 7, sizeof key);
	memset(pair->data, 5, sizeof plain);
	frame_seal(&pair->seals, FRAME_END, pair->data, sizeof plain, pair->frame);
	bad = (pair->seals.cipher == CIPHER_AES256 ? crypto_aead_aes256gcm_decrypt
						   : crypto_aead_chacha20poly1305_ietf_decrypt)(
		plain, &size, NULL, pair->frame + FRAME_HEAD_SIZE, sizeof plain + FRAME_TAG_SIZE,
		pair->frame, FRAME_HEAD_SIZE, nonce, key);
	assert_int_equal(bad, 0);
	assert_int_equal(size, sizeof plain);
	assert_memory_equal(plain, pair->data, sizeof plain);
}

static void migrate_frame__form_is_that_of_the_ciphers(void **state)
{
	(void)state;
	with_ciphers(form);
}

static void sizes(struct pair *pair)
{
	static const size_t cases[] = {0, 1, 15, 16, 17, 1000, FRAME_DATA_MAX};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum frame_kind kind;
		size_t size = cases[i], whole = 0, found = 0;

		randombytes_buf(pair->data, size);
		assert_int_equal(frame_seal(&pair->seals, FRAME_END, pair->data, size, pair->frame),
			size + FRAME_EXTRA);
		assert_int_equal(frame_measure(pair->frame, &whole, NULL), 0);
		assert_int_equal(whole, size + FRAME_EXTRA);
		assert_int_equal(frame_open(&pair->opens, pair->frame, &kind, &found, NULL), 0);
		assert_int_equal(kind, FRAME_END);
		assert_int_equal(found, size);
		assert_memory_equal(pair->frame + FRAME_HEAD_SIZE, pair->data, size);
	}
}

static void migrate_frame__what_is_sealed_opens(void **state)
{
	(void)state;
	with_ciphers(sizes);
}

/* A changed bit, wherever it is, and whatever the frame was measured as. */
static void flips(struct pair *pair)
{
	size_t whole = frame_seal(&pair->seals, FRAME_END, "the words of it", 15, pair->frame);

	for (size_t bit = 0; bit < whole * 8; bit++) {
		size_t size, measured;

		memcpy(pair->other, pair->frame, whole);
		pair->other[bit / 8] ^= (unsigned char)(1u << bit % 8);
		pair->opens.count = 0;
		if (frame_measure(pair->other, &measured, NULL) == 0)
			assert_int_equal(open_frame(pair, pair->other, &size), DD_CORRUPT);
	}
	pair->opens.count = 0;
	assert_int_equal(open_frame(pair, pair->frame, &whole), 0);
}

static void migrate_frame__a_changed_bit_does_not_open(void **state)
{
	(void)state;
	with_ciphers(flips);
}

static void order(struct pair *pair)
{
	unsigned char first[FRAME_EXTRA + 5], second[FRAME_EXTRA + 5], copy[FRAME_EXTRA + 5];
	size_t size;

	frame_seal(&pair->seals, FRAME_END, "first", 5, first);
	frame_seal(&pair->seals, FRAME_END, "other", 5, second);

	memcpy(copy, second, sizeof copy); /* out of order, or the first is lost */
	assert_int_equal(open_frame(pair, copy, &size), DD_CORRUPT);
	pair->opens.count = 0;
	memcpy(copy, first, sizeof copy);
	assert_int_equal(open_frame(pair, copy, &size), 0);
	memcpy(copy, first, sizeof copy); /* doubled */
	assert_int_equal(open_frame(pair, copy, &size), DD_CORRUPT);
	pair->opens.count = 1;
	assert_int_equal(open_frame(pair, second, &size), 0);
}

static void migrate_frame__lost_doubled_or_reordered_ones_do_not_open(void **state)
{
	(void)state;
	with_ciphers(order);
}

static void migrate_frame__what_can_be_no_frame_is_not_waited_for(void **state)
{
	static const struct {
		unsigned char head[FRAME_HEAD_SIZE];
		bool good;
	} cases[] = {
		{{FRAME_PART, 1, 0, 0}, true},        /* full */
		{{FRAME_PART, 0, 0xff, 0xff}, false}, /* a part is always full: no endless ones */
		{{FRAME_PART, 0, 0, 0}, false},
		{{FRAME_END, 0, 0, 0}, true},
		{{FRAME_END, 1, 0, 0}, true},
		{{FRAME_END, 1, 0, 1}, false},
		{{FRAME_END, 0xff, 0xff, 0xff}, false},
		{{FRAME_BYTES, 0, 0, 0}, false},
		{{FRAME_BYTES, 0, 0, 1}, true},
		{{FRAME_BYTES_END, 0, 0, 0}, true},
		{{FRAME_BYTES_END, 0, 0, 1}, false},
		{{FRAME_CLOSE, 0, 0, 0}, true},
		{{FRAME_CLOSE, 0, 1, 0}, false},
		{{0, 0, 0, 1}, false},
		{{FRAME_CLOSE + 1, 0, 0, 1}, false},
		{{'G', 'E', 'T', ' '}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t whole = 0;

		if (cases[i].good)
			assert_int_equal(frame_measure(cases[i].head, &whole, NULL), 0);
		else
			assert_int_equal(frame_measure(cases[i].head, &whole, NULL), DD_CORRUPT);
		assert_true(whole <= FRAME_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrate_frame__form_is_that_of_the_ciphers),
		cmocka_unit_test(migrate_frame__what_is_sealed_opens),
		cmocka_unit_test(migrate_frame__a_changed_bit_does_not_open),
		cmocka_unit_test(migrate_frame__lost_doubled_or_reordered_ones_do_not_open),
		cmocka_unit_test(migrate_frame__what_can_be_no_frame_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
