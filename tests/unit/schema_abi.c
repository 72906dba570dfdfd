/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a guest sees and what it does not, asked place by place of every frozen definition of the
 * corpus. The list here was written from the domain format, apart from the tables that are asked:
 * a place of neither list is taken for one that the guest sees. Random numbers come from a seed.
 */

#include "tests/support/mutation.h"

#include "schema/diff.h"
#include "schema/document_internal.h"
#include "schema/edit.h"

#define EVERY 40 /* one of so many places that an earlier definition had, too */

/* Each holds for all below it; the longest decides. */
struct place {
	const char *path;
	bool visible;
};

static const struct place settings[] = {
	{"name", false},
	{"title", false},
	{"description", false},
	{"metadata", false},
	{"@id", false},
	{"currentMemory", false},
	{"memory/@dumpCore", false},
	{"memoryBacking", false},
	{"memtune", false},
	{"blkiotune", false},
	{"vcpu/@placement", false},
	{"vcpu/@cpuset", false},
	{"vcpu/@current", false},
	{"iothreads", false},
	{"iothreadids", false},
	{"defaultiothread", false},
	{"cputune", false},
	{"numatune", false},
	{"resource", false},
	{"os/boot", false},
	{"os/bootmenu", false},
	{"os/bios/@rebootTimeout", false},
	{"os/loader", false},
	{"os/loader/@type", true},
	{"os/loader/@secure", true},
	{"os/nvram", false},
	{"os/kernel", false},
	{"os/initrd", false},
	{"os/cmdline", false},
	{"on_poweroff", false},
	{"on_reboot", false},
	{"on_crash", false},
	{"on_lockfailure", false},
	{"perf", false},
	{"seclabel", false},
	{"cpu/@check", false},
	{"cpu/model/@fallback", false},
	{"cpu/numa/cell/@memAccess", false},
	{"cpu/numa/cell/@discard", false},
	{"features/kvm/dirty-ring", false},
	{"features/tcg", false},
	{"qemu:deprecation", false},
	{"devices/emulator", false},
	{NULL},
};

static const struct place devices[] = {
	{"audio", false},
	{"audio/@id", true},
	{"controller/driver/@iothread", false},
	{"controller/driver/@ioeventfd", false},
	{"disk/@type", false},
	{"disk/@snapshot", false},
	{"disk/@rawio", false},
	{"disk/@sgio", false},
	{"disk/source", false},
	{"disk/backingStore", false},
	{"disk/mirror", false},
	{"disk/backenddomain", false},
	{"disk/privateData", false},
	{"disk/driver", false},
	{"disk/driver/@queues", true},
	{"disk/driver/@queue_size", true},
	{"disk/driver/@event_idx", true},
	{"disk/driver/@iommu", true},
	{"disk/driver/@ats", true},
	{"disk/driver/@packed", true},
	{"disk/driver/@page_per_vq", true},
	{"disk/iotune", false},
	{"disk/encryption", false},
	{"disk/auth", false},
	{"disk/transient", false},
	{"disk/shareable", false},
	{"disk/boot", false},
	{"filesystem/@accessmode", false},
	{"filesystem/@fmode", false},
	{"filesystem/@dmode", false},
	{"filesystem/@multidevs", false},
	{"filesystem/driver/@wrpolicy", false},
	{"filesystem/source", false},
	{"filesystem/binary", false},
	{"filesystem/space_hard_limit", false},
	{"filesystem/space_soft_limit", false},
	{"filesystem/boot", false},
	{"graphics", false},
	{"graphics/@type", true},
	{"hostdev/@managed", false},
	{"hostdev/@sgio", false},
	{"hostdev/@rawio", false},
	{"hostdev/driver", false},
	{"hostdev/boot", false},
	{"hostdev/teaming", false},
	{"hostdev/source/@startupPolicy", false},
	{"hostdev/source/@guestReset", false},
	{"hostdev/source/@writeFiltering", false},
	{"input/source", false},
	{"interface/@type", false},
	{"interface/@managed", false},
	{"interface/@trustGuestRxFilters", false},
	{"interface/source", false},
	{"interface/target", false},
	{"interface/link", false},
	{"interface/filterref", false},
	{"interface/bandwidth", false},
	{"interface/virtualport", false},
	{"interface/vlan", false},
	{"interface/port", false},
	{"interface/portForward", false},
	{"interface/script", false},
	{"interface/downscript", false},
	{"interface/backend", false},
	{"interface/backenddomain", false},
	{"interface/ip", false},
	{"interface/route", false},
	{"interface/tune", false},
	{"interface/coalesce", false},
	{"interface/guest", false},
	{"interface/boot", false},
	{"interface/driver/@name", false},
	{"interface/driver/@txmode", false},
	{"interface/driver/@ioeventfd", false},
	{"memballoon/stats", false},
	{"memory/@access", false},
	{"memory/@discard", false},
	{"memory/source", false},
	{"memory/target/requested", false},
	{"memory/target/current", false},
	{"redirdev/@type", false},
	{"redirdev/source", false},
	{"redirdev/protocol", false},
	{"redirdev/boot", false},
	{"redirfilter", false},
	{"rng/backend", false},
	{"rng/rate", false},
	{"serial/@type", false},
	{"serial/@tty", false},
	{"serial/source", false},
	{"serial/protocol", false},
	{"serial/log", false},
	{"shmem/server", false},
	{"shmem/msi/@ioeventfd", false},
	{"smartcard/source", false},
	{"smartcard/protocol", false},
	{"sound/audio", false},
	{"tpm/backend/@persistent_state", false},
	{"tpm/backend/encryption", false},
	{"tpm/backend/device", false},
	{"tpm/backend/source", false},
	{"video/model/acceleration/@rendernode", false},
	{"vsock/cid", false},
	{"watchdog/@action", false},
	{NULL},
};

/* The four kinds of character devices are alike. */
static const char *alike(const char *place, char *out, size_t size)
{
	static const char *const others[] = {"parallel/", "console/", "channel/"};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strncmp(place, others[i], strlen(others[i])) == 0) {
			snprintf(out, size, "serial/%s", place + strlen(others[i]));
			return out;
		}
	return place;
}

static bool is_below(const char *place, const char *above)
{
	size_t length = strlen(above);

	return strncmp(place, above, length) == 0 && strchr("/ ", place[length]);
}

/* place is that of a mutation: "domain/devices/disk/source/@file value". */
static bool is_visible(const char *place)
{
	static const char device[] = "domain/devices/";
	bool in_device = strncmp(place, device, strlen(device)) == 0 &&
			 !is_below(place, "domain/devices/emulator");
	const struct place *at = in_device ? devices : settings;
	char buffer[NODE_PATH_SIZE];
	size_t longest = 0;
	bool visible = true;

	place += in_device ? strlen(device) : strlen("domain/");
	if (in_device)
		place = alike(place, buffer, sizeof buffer);
	/* what QEMU calls it */
	if (in_device && strchr(place, '/') && is_below(strchr(place, '/') + 1, "alias"))
		return false;
	for (; at->path; at++) {
		size_t length = strlen(at->path);

		if (length <= longest || !is_below(place, at->path))
			continue;
		longest = length;
		visible = at->visible;
	}
	return visible;
}

struct count {
	unsigned visible, hidden, failures;
};

static void blame(
	struct count *count, const struct changes *changes, const char *place, const char *what)
{
	count->failures++;
	print_error("%s: %s\n", place, what);
	for (size_t i = 0; i < changes->count && i < 4; i++)
		print_error("    %s %s\n", changes->items[i].visible ? "seen:" : "not seen:",
			changes->items[i].sentence);
}

/* What comes, goes or is another device is seen, whatever it was that made it so. */
static bool is_another_device(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == CHANGE_ATTACHED ||
			changes->items[i].kind == CHANGE_DETACHED)
			return true;
	return false;
}

static bool is_named(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].visible && changes->items[i].path[0] &&
			changes->items[i].sentence[0])
			return true;
	return false;
}

static void judge(struct count *count, const struct document *before, const struct document *after,
	const char *place)
{
	CLEANUP(changes) struct changes changes = CHANGES_INIT;
	struct dd_error err = {0};
	bool named, refused;

	must(document_diff(before, after, &changes, &err), &err);
	named = is_named(&changes);
	refused = abi_check(before, after, &err) == DD_REFUSED;
	if (named != refused)
		blame(count, &changes, place, refused ? "refused, not named" : "not refused");
	if (refused && !err.path[0])
		blame(count, &changes, place, "refused without a path");
	if (is_visible(place) && changes.count) {
		count->visible++;
		if (!named)
			blame(count, &changes, place, "a guest sees it");
	} else {
		count->hidden++;
		if (named && !is_another_device(&changes))
			blame(count, &changes, place, "no guest sees it");
	}
}

static void try_mutation(const struct document *before, const struct mutation *mutation,
	const char *place, void *context)
{
	struct count *count = context;
	const xmlNode *element = mutation_element(before, mutation->element);
	struct document *after;

	/* an order, or one more, is the affair of a diff; and what has parts is what they are */
	if (mutation->kind == MUTATION_SWAPPED || mutation->kind == MUTATION_TWICE ||
		(mutation->kind == MUTATION_GONE && (element->properties || node_first(element))))
		return;
	after = mutated(before, mutation);
	if (!after)
		return;
	judge(count, before, after, place);
	judge(count, after, before, place);
	document_free(after);
}

static void schema_abi__names_what_a_guest_sees_and_nothing_else(void **state)
{
	struct count count = {0};
	unsigned places;
	size_t definitions =
		corpus_mutations_visit(".out.xml", EVERY, try_mutation, &count, &places);

	(void)state;
	if (!definitions)
		skip();
	print_message("# %zu definitions, %u changes that a guest sees, %u that it does not, at %u "
		      "places\n",
		definitions, count.visible, count.hidden, places);
	assert_int_equal(count.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_abi__names_what_a_guest_sees_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
