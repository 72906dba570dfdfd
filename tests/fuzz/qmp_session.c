/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says into how large pieces the rest is cut; after each piece a command is sent
 * where the session takes one. Whatever comes must leave the session usable or broken, no more.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(session) struct session *session = session_new();
	CLEANUP(text) struct text output = TEXT_INIT;
	size_t step = size ? data[0] + 1u : 1;

	for (size_t at = 1; session && at < size; at += step) {
		size_t length = size - at < step ? size - at : step;
		struct json *value = NULL;
		struct json *event;

		if (session_feed(session, (const char *)data + at, length, &output, NULL))
			break;
		if (session_take_answer(session, &value) != SESSION_PENDING)
			json_free(value);
		if (session_phase(session) == SESSION_READY)
			session_command(session, "query-status", NULL, &output, NULL);
		while ((event = session_take_event(session)))
			json_free(event);
		text_clear(&output);
	}
	return 0;
}
