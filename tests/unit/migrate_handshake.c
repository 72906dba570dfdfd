/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two handshakes that hear each other, with somebody between them who keeps and changes what is
 * said.
 */
#include "migrate_peers.h"

#define MESSAGES 4
#define HEAD 16 /* of a hello, that is alike in all versions: the last two are its number */

struct scene {
	struct party caller, called, other;
	struct handshake *calls, *answers;
	struct handshake_bytes said[MESSAGES]; /* in order: caller, called, caller, called */
	size_t count;
	struct dd_error err;
};

/* Says what becomes of message number on its way. */
typedef void (*meddler)(size_t number, struct handshake_bytes *message, void *context);

static void scene_init(struct scene *scene)
{
	assert_int_equal(sodium_init() < 0, 0);
	memset(scene, 0, sizeof *scene);
	party_init(&scene->caller);
	party_init(&scene->called);
	party_init(&scene->other);
}

static void scene_release(struct scene *scene)
{
	handshake_free(scene->calls);
	handshake_free(scene->answers);
	scene->calls = scene->answers = NULL;
	scene->count = 0;
}

/* Feeds a message in the pieces that are wanted; its answer is added. */
static int hear(struct handshake *handshake, const struct handshake_bytes *message,
	struct handshake_bytes *answer, struct dd_error *err)
{
	size_t at = 0;
	int rc = 0;

	answer->size = 0;
	while (!rc && at < message->size && handshake_state(handshake) == HANDSHAKE_HEARS) {
		size_t wants = handshake_wants(handshake);

		if (message->size - at < wants)
			return DD_BUSY; /* a socket would wait for the rest in vain */
		rc = handshake_hear(handshake, message->data + at, answer, err);
		at += wants;
	}
	return rc;
}

/* The whole of it; what failed first, or 0. */
static int meet(struct scene *scene, const unsigned char *expected, enum handshake_verdict verdict,
	unsigned ciphers, meddler meddle, void *context)
{
	struct handshake_self caller = party_self(&scene->caller);
	struct handshake_self called = party_self(&scene->called);
	struct handshake_bytes message, answer;
	int rc = handshake_call(&caller, expected, ciphers, &scene->calls, &message, &scene->err);

	if (!rc)
		rc = handshake_answer(&called, ciphers_here(), &scene->answers, &scene->err);
	for (size_t i = 0; !rc && i < MESSAGES; i++) {
		scene->said[scene->count++] = message;
		if (meddle)
			meddle(i, &message, context);
		rc = hear(i % 2 ? scene->calls : scene->answers, &message, &answer, &scene->err);
		if (!rc && handshake_state(scene->answers) == HANDSHAKE_JUDGES)
			(void)handshake_judge(scene->answers, verdict, &answer, NULL);
		message = answer;
		if (!rc && handshake_state(scene->calls) == HANDSHAKE_NO_CALLER)
			return 0;
	}
	return rc;
}

static void assert_keys_agree(struct scene *scene)
{
	struct frame_key keys[4];
	unsigned char frame[FRAME_EXTRA + 2];
	enum frame_kind kind;
	size_t size;

	assert_int_equal(handshake_keys(scene->calls, &keys[0], &keys[1], NULL), 0);
	assert_int_equal(handshake_keys(scene->answers, &keys[2], &keys[3], NULL), 0);
	frame_seal(&keys[0], FRAME_END, "hi", 2, frame);
	assert_int_equal(frame_open(&keys[3], frame, &kind, &size, NULL), 0);
	frame_seal(&keys[2], FRAME_END, "hi", 2, frame);
	assert_int_equal(frame_open(&keys[1], frame, &kind, &size, NULL), 0);
	/* what one says does not pass for what it hears */
	frame_seal(&keys[0], FRAME_END, "hi", 2, frame);
	assert_int_equal(frame_open(&keys[1], frame, &kind, &size, NULL), DD_CORRUPT);
	for (size_t i = 0; i < 4; i++)
		frame_key_release(&keys[i]);
}

static void migrate_handshake__two_that_know_each_other_agree(void **state)
{
	struct scene scene;

	(void)state;
	for (unsigned ciphers = CIPHER_CHACHA20; ciphers <= CIPHERS_KNOWN; ciphers += 2) {
		scene_init(&scene);
		assert_int_equal(meet(&scene, scene.called.key, VERDICT_KNOWN,
					 ciphers & ciphers_here(), NULL, NULL),
			0);
		assert_int_equal(handshake_state(scene.calls), HANDSHAKE_DONE);
		assert_int_equal(handshake_state(scene.answers), HANDSHAKE_DONE);
		assert_memory_equal(handshake_peer(scene.calls), scene.called.key, 32);
		assert_memory_equal(handshake_peer(scene.answers), scene.caller.key, 32);
		assert_keys_agree(&scene);
		scene_release(&scene);
	}
}

static void migrate_handshake__another_key_is_refused_with_both_fingerprints(void **state)
{
	struct scene scene;
	char found[KEY_WORDS_SIZE], pinned[KEY_WORDS_SIZE];

	(void)state;
	scene_init(&scene);
	key_fingerprint(scene.called.key, found);
	key_fingerprint(scene.other.key, pinned);
	assert_int_equal(meet(&scene, scene.other.key, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL),
		DD_REFUSED);
	assert_non_null(strstr(scene.err.message, found));
	assert_non_null(strstr(scene.err.message, pinned));
	assert_int_equal(scene.count, 2); /* and was not told who calls */
	assert_int_equal(scene.caller.asked, 0);
	scene_release(&scene);
}

static void migrate_handshake__the_key_of_another_is_of_no_use(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	scene.called.lies = true; /* a man in the middle says that he is whom we expect */
	memcpy(scene.called.claimed, scene.other.key, 32);
	assert_int_equal(meet(&scene, scene.other.key, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL),
		DD_CORRUPT);
	scene_release(&scene);

	scene_init(&scene);
	scene.caller.lies = true;
	memcpy(scene.caller.claimed, scene.other.key, 32);
	assert_int_equal(meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL),
		DD_CORRUPT);
	assert_null(handshake_peer(scene.answers));
	scene_release(&scene);
}

static void migrate_handshake__the_unknown_and_the_revoked_are_told(void **state)
{
	struct scene scene;
	char own[KEY_WORDS_SIZE];

	(void)state;
	scene_init(&scene);
	key_words(scene.caller.key, own);
	assert_int_equal(meet(&scene, scene.called.key, VERDICT_UNKNOWN, CIPHERS_KNOWN, NULL, NULL),
		DD_REFUSED);
	assert_non_null(strstr(scene.err.message, "does not know this host's key SHA256:"));
	assert_non_null(strstr(scene.err.hint, "there: domesday peer add alpha ADDRESS 'ssh-ed"));
	assert_non_null(strstr(scene.err.hint, own));
	assert_int_not_equal(handshake_state(scene.calls), HANDSHAKE_DONE);
	assert_int_not_equal(handshake_state(scene.answers), HANDSHAKE_DONE);
	scene_release(&scene);

	scene_init(&scene);
	assert_int_equal(meet(&scene, scene.called.key, VERDICT_REVOKED, CIPHERS_KNOWN, NULL, NULL),
		DD_REFUSED);
	assert_non_null(strstr(scene.err.message, "has revoked this host's key SHA256:"));
	scene_release(&scene);
}

static void migrate_handshake__a_key_is_asked_for_without_telling_ones_own(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	assert_int_equal(meet(&scene, NULL, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL), 0);
	assert_int_equal(handshake_state(scene.calls), HANDSHAKE_NO_CALLER);
	assert_memory_equal(handshake_peer(scene.calls), scene.called.key, 32);
	assert_int_equal(scene.caller.asked, 0);
	scene_release(&scene);
}

/* ---- somebody in between ---- */

struct flip {
	size_t message, bit;
};

static void flip_bit(size_t number, struct handshake_bytes *message, void *context)
{
	const struct flip *flip = context;

	if (number == flip->message)
		message->data[flip->bit / 8] ^= (unsigned char)(1u << flip->bit % 8);
}

static void migrate_handshake__no_bit_of_it_can_be_changed(void **state)
{
	struct scene scene;
	size_t sizes[MESSAGES];

	(void)state;
	scene_init(&scene);
	assert_int_equal(
		meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL), 0);
	for (size_t i = 0; i < MESSAGES; i++)
		sizes[i] = scene.said[i].size;
	scene_release(&scene);

	for (struct flip flip = {0}; flip.message < MESSAGES; flip.message++) {
		for (flip.bit = 0; flip.bit < sizes[flip.message] * 8; flip.bit++) {
			int rc = meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN,
				flip_bit, &flip);

			if (rc == 0) /* of the verdict nobody hears back but the caller */
				fail_msg("message %zu bit %zu was taken", flip.message + 1,
					flip.bit);
			assert_int_not_equal(handshake_state(scene.calls), HANDSHAKE_DONE);
			scene_release(&scene);
		}
	}
}

static void cut(size_t number, struct handshake_bytes *message, void *context)
{
	const struct flip *flip = context;

	if (number == flip->message)
		message->size = flip->bit;
}

static void migrate_handshake__one_that_is_cut_short_waits(void **state)
{
	static const size_t sizes[] = {50, 162, 112, 17};
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (struct flip flip = {0}; flip.message < MESSAGES; flip.message++) {
		for (flip.bit = 1; flip.bit < sizes[flip.message]; flip.bit++) {
			int rc = meet(
				&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN, cut, &flip);

			assert_int_not_equal(handshake_state(scene.calls), HANDSHAKE_DONE);
			assert_true(rc == DD_BUSY || flip.bit == HEAD || rc == 0);
			scene_release(&scene);
		}
	}
}

static void version_2(size_t number, struct handshake_bytes *message, void *context)
{
	(void)context;
	if (number == 0)
		message->data[HEAD - 1] = 2;
}

static void migrate_handshake__another_version_is_told_by_number(void **state)
{
	struct scene scene;
	struct handshake_self called = party_self(&scene.called);
	struct handshake_bytes hello, answer;

	(void)state;
	scene_init(&scene);
	assert_int_equal(
		meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN, version_2, NULL),
		DD_UNSUPPORTED);
	assert_string_equal(scene.err.message,
		"the other side speaks version 2 of the peer protocol, this one 1");
	assert_int_equal(scene.called.asked, 0);
	scene_release(&scene);

	/* what it answers tells the other its own version, and no more */
	assert_int_equal(
		handshake_call(NULL, NULL, CIPHER_CHACHA20, &scene.calls, &hello, NULL), 0);
	hello.data[HEAD - 1] = 9;
	assert_int_equal(handshake_answer(&called, CIPHERS_KNOWN, &scene.answers, NULL), 0);
	assert_int_equal(hear(scene.answers, &hello, &answer, NULL), DD_UNSUPPORTED);
	assert_int_equal(answer.size, HEAD);
	assert_int_equal(answer.data[HEAD - 1], HANDSHAKE_VERSION);
	scene_release(&scene);
}

struct recorded {
	const struct handshake_bytes *messages;
	size_t from; /* from this one on the old ones are played, of one side */
};

static void replay(size_t number, struct handshake_bytes *message, void *context)
{
	const struct recorded *recorded = context;

	if (number >= recorded->from && (number - recorded->from) % 2 == 0)
		*message = recorded->messages[number];
}

static void migrate_handshake__what_was_recorded_is_of_no_use(void **state)
{
	struct scene scene;
	struct handshake_bytes messages[MESSAGES];

	(void)state;
	scene_init(&scene);
	assert_int_equal(
		meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL), 0);
	memcpy(messages, scene.said, sizeof messages);
	scene_release(&scene);
	for (size_t from = 0; from < MESSAGES; from++) {
		struct recorded recorded = {messages, from};

		assert_int_equal(meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN,
					 replay, &recorded),
			DD_CORRUPT);
		assert_int_not_equal(handshake_state(scene.calls), HANDSHAKE_DONE);
		if (from % 2 == 0) /* it is the caller's words that are old */
			assert_null(handshake_peer(scene.answers));
		scene_release(&scene);
	}
}

/* Gives a side its own words back. */
static void reflect(size_t number, struct handshake_bytes *message, void *context)
{
	struct handshake_bytes *first = context;

	if (number == 0)
		*first = *message;
	if (number == 1)
		memcpy(message->data, first->data, first->size);
}

static void migrate_handshake__ones_own_words_are_not_heard(void **state)
{
	struct scene scene;
	struct handshake_bytes first, own;
	struct handshake_self self = party_self(&scene.caller);

	(void)state;
	scene_init(&scene);
	assert_int_equal(
		meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHER_CHACHA20, reflect, &first),
		DD_CORRUPT);
	scene_release(&scene);

	/* a caller's proof is none of a called one with the same key */
	assert_int_equal(
		meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN, NULL, NULL), 0);
	own = scene.said[2];
	scene_release(&scene);
	assert_int_equal(handshake_call(&self, scene.caller.key, CIPHER_CHACHA20, &scene.calls,
				 &first, NULL),
		0);
	memcpy(first.data + first.size, own.data, own.size);
	first.size += own.size;
	assert_int_equal(hear(scene.calls, &first, &own, NULL), DD_CORRUPT);
	scene_release(&scene);
}

/* Points whose multiples everybody knows; the top bit does not count. */
static void low_order(size_t number, struct handshake_bytes *message, void *context)
{
	static const unsigned char points[][32] = {
		{0},
		{1},
		{0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
			0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62,
			0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
		{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	};
	const size_t *which = context;

	if (number == *which / 8)
		memcpy(message->data + HEAD + 2, points[*which % 4], 32);
}

static void migrate_handshake__a_secret_that_all_know_is_refused(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene);
	for (size_t which = 0; which < 4; which++) {
		assert_int_equal(meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN,
					 low_order, &which),
			DD_CORRUPT);
		assert_int_equal(scene.called.asked, 0);
		scene_release(&scene);
	}
	for (size_t which = 8; which < 12; which++) {
		assert_int_equal(meet(&scene, scene.called.key, VERDICT_KNOWN, CIPHERS_KNOWN,
					 low_order, &which),
			DD_CORRUPT);
		assert_int_equal(scene.caller.asked, 0);
		scene_release(&scene);
	}
}

static void migrate_handshake__noise_costs_nothing(void **state)
{
	struct scene scene;
	struct handshake_bytes noise = {.size = 50}, answer;

	(void)state;
	scene_init(&scene);
	struct handshake_self called = party_self(&scene.called);

	for (int i = 0; i < 1000; i++) {
		randombytes_buf(noise.data, noise.size);
		assert_int_equal(handshake_answer(&called, CIPHERS_KNOWN, &scene.answers, NULL), 0);
		assert_int_equal(hear(scene.answers, &noise, &answer, NULL), DD_CORRUPT);
		assert_int_equal(answer.size, 0);
		scene_release(&scene);
	}
	assert_int_equal(scene.called.asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrate_handshake__two_that_know_each_other_agree),
		cmocka_unit_test(migrate_handshake__another_key_is_refused_with_both_fingerprints),
		cmocka_unit_test(migrate_handshake__the_key_of_another_is_of_no_use),
		cmocka_unit_test(migrate_handshake__the_unknown_and_the_revoked_are_told),
		cmocka_unit_test(migrate_handshake__a_key_is_asked_for_without_telling_ones_own),
		cmocka_unit_test(migrate_handshake__no_bit_of_it_can_be_changed),
		cmocka_unit_test(migrate_handshake__one_that_is_cut_short_waits),
		cmocka_unit_test(migrate_handshake__another_version_is_told_by_number),
		cmocka_unit_test(migrate_handshake__what_was_recorded_is_of_no_use),
		cmocka_unit_test(migrate_handshake__ones_own_words_are_not_heard),
		cmocka_unit_test(migrate_handshake__a_secret_that_all_know_is_refused),
		cmocka_unit_test(migrate_handshake__noise_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
