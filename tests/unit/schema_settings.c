/* SPDX-License-Identifier: Apache-2.0 */

/* What stands outside <devices>, frozen as libvirt 9.0 does, or refused where it is. */

#include "schema/values.h"
#include "tests/support/freezing.h"

static struct document *parsed(const char *parts, struct dd_error *err)
{
	CLEANUP(text) struct text text = TEXT_INIT;
	struct document *document = NULL;

	text_puts(&text, "<domain type='kvm'");
	if (strstr(parts, "qemu:"))
		text_puts(&text, " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'");
	text_printf(&text, "><name>guest</name>%s%s%s</domain>",
		strncmp(parts, "<memory ", 8) == 0 ? "" : "<memory unit='MiB'>64</memory>",
		strstr(parts, "<os") ? "" : "<os><type machine='q35'>hvm</type></os>", parts);
	(void)document_parse(text_string(&text), text.size, NULL, &document, err);
	return document;
}

/* Parts of a definition, and what the frozen one has, or (with '!' before it) has not. */
static const struct {
	const char *parts;
	const char *frozen;
} settled[] = {
	{"<clock offset='utc' adjustment='+5'/>",
		"<clock offset='variable' adjustment='5' basis='utc'/>"},
	{"<clock offset='localtime' adjustment='-60'/>",
		"<clock offset='variable' adjustment='-60' basis='localtime'/>"},
	{"<clock offset='variable'/>", "<clock offset='variable' adjustment='0' basis='utc'/>"},
	{"<clock offset='utc' adjustment='reset'/>", "<clock offset='utc' adjustment='reset'/>"},
	{"<clock offset='utc' start='5' timezone='EST' basis='utc'/>", "<clock offset='utc'/>"},
	{"<clock offset='utc'><timer name='tsc' frequency='0' mode='native'/></clock>",
		"<timer name='tsc' mode='native'/>"},
	{"<cpu mode='host-passthrough'><model>EPYC</model><vendor>AMD</vendor></cpu>", "!AMD"},
	{"<os><type machine=''>hvm</type></os>", "machine='pc-i440fx-7.2'"},
	{"<uuid></uuid>", "!<uuid/>"},
	{"<on_reboot/>", "<on_reboot>restart</on_reboot>"},
	{"<pm><suspend-to-mem/></pm><perf/><title/>", "!<p"},
	{"<memory unit=''>+2048</memory>", "<memory unit='KiB'>2048</memory>"},
	{"<currentMemory/>", "<currentMemory unit='KiB'>65536</currentMemory>"},
	{"<memtune><hard_limit/></memtune>", "!memtune"},
	{"<blkiotune><device><path>/a</path><weight>0</weight></device></blkiotune>", "!blkiotune"},
	{"<memoryBacking><source/><access/><allocation/></memoryBacking>", "!memoryBacking"},
	{"<memoryBacking><hugepages><page size='2' unit='M' nodeset='0'/></hugepages>"
	 "</memoryBacking>",
		"<page size='2048' unit='KiB'/>"},
	{"<vcpu current='2'>2</vcpu>", "<vcpu placement='static'>2</vcpu>"},
	{"<vcpu placement='auto' cpuset='0-1'>2</vcpu>", "<vcpu placement='auto'>2</vcpu>"},
	{"<vcpu>3</vcpu><vcpus><vcpu id='1' enabled='no'/><vcpu id='0' enabled='yes'/></vcpus>",
		"<vcpu placement='static' current='1'>3</vcpu>\n"
		"  <vcpus>\n"
		"    <vcpu id='0' enabled='yes' hotpluggable='no'/>\n"
		"    <vcpu id='1' enabled='no' hotpluggable='yes'/>\n"
		"    <vcpu id='2' enabled='no' hotpluggable='yes'/>\n"},
	{"<iothreadids><iothread id='2'/></iothreadids>", "<iothreads>1</iothreads>"},
	{"<iothreads>2</iothreads><iothreadids/>", "!iothreadids"},
	{"<cputune><vcpupin vcpu='5' cpuset='0'/><quota>0</quota></cputune>", "!vcpupin"},
	{"<cputune><vcpusched vcpus='0' scheduler='batch' priority='5'/></cputune>",
		"<vcpusched vcpus='0' scheduler='batch'/>"},
	{"<cputune><cachetune vcpus='0-7'><cache id='0' level='3' type='both' size='3072'/>"
	 "</cachetune></cputune>",
		"<cachetune vcpus='0'>\n      <cache id='0' level='3' type='both' size='3' "
		"unit='MiB'/>"},
	{"<numatune><memory nodeset='0'/></numatune>", "<memory mode='strict' nodeset='0'/>"},
	{"<numatune><memory placement='auto' nodeset='0'/></numatune>",
		"<memory mode='strict' placement='auto'/>"},
	{"<cpu mode='host-passthrough' match='exact'><model>Haswell</model></cpu>",
		"<cpu mode='host-passthrough' check='none' migratable='on'/>"},
	{"<cpu mode='maximum'/>", "<cpu mode='maximum' check='none'/>"},
	{"<cpu match='minimum'><model/></cpu>",
		"<cpu mode='custom' match='exact' check='none'>\n    <model fallback='forbid'>"},
	{"<cpu mode='host-model' match='exact'><model>Haswell</model></cpu>",
		"<cpu mode='host-model' check='partial'>\n    <model fallback='allow'>Haswell"},
	{"<cpu mode='host-model'><model fallback='forbid' vendor_id='GenuineIntel'/></cpu>",
		"<model vendor_id='GenuineIntel'/>"},
	{"<vcpu>2</vcpu><cpu><numa><cell id='0' cpus='0' memory='1024'><distances><sibling id='1' "
	 "value='21'/></distances></cell><cell id='1' cpus='1' memory='1024'/></numa></cpu>",
		"<cell id='1' cpus='1' memory='1024' unit='KiB'>\n        <distances>\n"
		"          <sibling id='0' value='21'/>\n          <sibling id='1' value='10'/>\n"},
	{"<features><pmu/><smm state='off'><tseg unit='MiB'>48</tseg></smm></features>",
		"<pmu state='on'/>\n    <smm state='off'/>"},
	{"<features><hyperv><spinlocks state='off' retries='8191'/></hyperv></features>",
		"<spinlocks state='off'/>"},
	{"<features><kvm><dirty-ring state='off' size='4096'/></kvm></features>",
		"<dirty-ring state='off'/>"},
	{"<seclabel type='dynamic' model='selinux'><label>a</label></seclabel>",
		"<seclabel type='dynamic' model='selinux' relabel='yes'/>"},
	{"<seclabel type='static' model='dac'><label>+0:+0</label></seclabel>",
		"<seclabel type='static' model='dac' relabel='no'>"},
	{"<seclabel model='dac'/>", "!seclabel"},
	{"<qemu:commandline/><qemu:override/>", "!qemu:"},
	{"<sysinfo type='smbios'><system><entry name='uuid'>"
	 "C7A5FDBD-edaf-9455-926a-d65c16db1809</entry></system></sysinfo>",
		"<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"},
	{"<sysinfo type='fwcfg'><entry name='opt/a' file='/b'>c</entry></sysinfo>",
		"<entry name='opt/a' file='/b'/>"},
	{"<os><type machine='q35'>hvm</type><loader readonly='yes' type='pflash'>/code.fd</loader>"
	 "</os><features><acpi/></features>",
		"<nvram>/var/lib/libvirt/qemu/nvram/guest_VARS.fd</nvram>"},
	{"<os><type machine='q35'>hvm</type><init>/sbin/init</init><kernel/></os>",
		"hvm</type>\n    <boot dev='hd'/>\n  </os>"},
	{"<os firmware='efi'><type machine='q35'>hvm</type><loader/><firmware><feature "
	 "enabled='yes' name='secure-boot'/><feature enabled='no' name='secure-boot'/></firmware>"
	 "</os><features><acpi/></features>",
		"<firmware>\n      <feature enabled='no' name='secure-boot'/>\n    </firmware>"},
};

static void schema_settings__are_completed_and_stay(void **state)
{
	(void)state;
	options.keep_host_model = true;
	for (size_t i = 0; i < sizeof settled / sizeof settled[0]; i++) {
		struct dd_error err = {0};
		CLEANUP(document) struct document *domain = parsed(settled[i].parts, &err);
		bool absent = settled[i].frozen[0] == '!';

		must(err.code, &err);
		must(document_freeze(domain, &options, &err), &err);

		CLEANUP(free) char *text = written(domain);

		if (!strstr(text, settled[i].frozen + absent) != absent)
			fail_msg("%s: '%s' is wrong in\n%s", settled[i].parts, settled[i].frozen,
				text);

		CLEANUP(document) struct document *again = document_of(text);

		must(document_freeze(again, &options, &err), &err);

		CLEANUP(free) char *same = written(again);

		assert_string_equal(same, text);
	}
}

static const struct {
	const char *parts;
	const char *place;
	const char *message;
} refusals[] = {
	{"<clock offset='mars'/>", "/domain/clock", "'mars' is not allowed (one of: utc"},
	{"<clock offset='utc' adjustment='0x10'/>", "/domain/clock", "a number of seconds"},
	{"<clock offset='timezone'/>", "/domain/clock", "timezone is missing"},
	{"<clock offset='utc'><timer name='pit' track='guest'/></clock>", "clock/timer",
		"a pit timer has no track 'guest'"},
	{"<on_poweroff>preserve</on_poweroff>", "/domain/on_poweroff",
		"'preserve' is not allowed (one of: destroy restart)"},
	{"<on_poweroff>restart</on_poweroff><on_reboot>destroy</on_reboot>", "on_poweroff",
		"cannot restart"},
	{"<title>two\nlines</title>", "/domain/title", "one line"},
	{"<bootloader>/a</bootloader>", "/domain/bootloader", "no boot loader"},
	{"<maxMemory slots='0'>99999</maxMemory>", "/domain/maxMemory",
		"slots: '0' is not between 1 and"},
	{"<memtune><min_guarantee>5</min_guarantee></memtune>", "memtune/min_guarantee",
		"QEMU cannot"},
	{"<memoryBacking><hugepages/><source type='anonymous'/></memoryBacking>",
		"memoryBacking/source", "no huge pages"},
	{"<blkiotune><device><weight>5</weight></device></blkiotune>", "blkiotune/device",
		"<path> is missing"},
	{"<vcpu>2</vcpu><vcpus><vcpu id='0' enabled='no'/></vcpus>", "vcpus/vcpu",
		"always enabled"},
	{"<vcpu>2</vcpu><vcpus><vcpu id='2' enabled='no'/></vcpus>", "vcpus/vcpu",
		"the domain has 2"},
	{"<iothreadids><iothread id='2'/><iothread id='2'/></iothreadids>", "iothread[2]",
		"another before it for id 2"},
	{"<defaultiothread thread_pool_min='4'/>", "/domain/defaultiothread",
		"thread_pool_max, which is absent"},
	{"<cputune><period>999</period></cputune>", "cputune/period",
		"'999' is not between 1000 and 1000000"},
	{"<cputune><vcpupin vcpu='0'/></cputune>", "cputune/vcpupin", "cpuset is missing"},
	{"<cputune><iothreadpin iothread='1' cpuset='0'/></cputune>", "cputune/iothreadpin",
		"no I/O thread 1"},
	{"<cputune><vcpusched vcpus='7' scheduler='idle'/></cputune>", "cputune/vcpusched",
		"no vCPU 7"},
	{"<vcpu>2</vcpu><cputune><cachetune vcpus='0-1'><monitor level='3' vcpus='0'/></cachetune>"
	 "<memorytune vcpus='1'><node id='0' bandwidth='10'/></memorytune></cputune>",
		"cputune/memorytune", "vCPU 1 is in another group"},
	{"<numatune><memnode cellid='0' nodeset='0'/></numatune>", "numatune/memnode",
		"no NUMA cell 0"},
	{"<numatune><memory mode='strict'/></numatune>", "numatune/memory", "needs a nodeset"},
	{"<cpu mode='host'/>", "/domain/cpu", "one of: custom host-model host-passthrough maximum"},
	{"<cpu><feature name='vmx'/></cpu>", "cpu/feature", "need a <model>"},
	{"<cpu><model>qemu64</model><feature name='a'/><feature name='a'/></cpu>", "cpu/feature[2]",
		"the feature a already"},
	{"<cpu><model vendor_id='short'>qemu64</model></cpu>", "cpu/model", "12 characters"},
	{"<cpu mode='host-model' migratable='on'/>", "/domain/cpu", "host-passthrough or maximum"},
	{"<vcpu>3</vcpu><cpu><topology sockets='2' cores='1' threads='1'/></cpu>", "cpu/topology",
		"make 2 vCPUs, but the domain has 3"},
	{"<cpu><numa/></cpu>", "cpu/numa", "0 cells"},
	{"<vcpu>2</vcpu><cpu><numa><cell cpus='0-1' memory='1024'/><cell cpus='1' memory='1024'/>"
	 "</numa></cpu>",
		"numa/cell[2]", "vCPU 1 is in another cell too"},
	{"<cpu><numa><cell cpus='0' memory='1024'><distances><sibling id='0' value='20'/>"
	 "</distances></cell></numa></cpu>",
		"distances/sibling", "a distance of 20"},
	{"<features><smm state='on'><tseg unit='MB'>50</tseg></smm></features>", "smm/tseg",
		"not a multiple of one MiB"},
	{"<features><gic version='2'/></features>", "features/gic", "no such feature"},
	{"<features><hyperv><relaxed/></hyperv></features>", "hyperv/relaxed", "state is missing"},
	{"<features><kvm><dirty-ring state='on' size='1000'/></kvm></features>", "kvm/dirty-ring",
		"no power of two from 1024 to 65536"},
	{"<features><tcg><tb-cache unit='MiB'>8</tb-cache></tcg></features>", "tcg/tb-cache",
		"only a domain of type qemu"},
	{"<seclabel type='static' model='dac'/>", "/domain/seclabel", "<label> is missing"},
	{"<seclabel/>", "/domain/seclabel", "model is missing"},
	{"<perf><event name='cmt' enabled='yes'/><event name='cmt' enabled='no'/></perf>",
		"perf/event[2]", "another before it for name cmt"},
	{"<launchSecurity type='s390-pv'/>", "/domain/launchSecurity", "a PC has none"},
	{"<resource/>", "/domain/resource", "names no resource"},
	{"<sysinfo type='fwcfg'><entry name='etc/a'>b</entry></sysinfo>", "sysinfo/entry",
		"does not begin with opt/"},
	{"<os><type machine='q35'>hvm</type><bios useserial='yes'/></os>", "os/bios",
		"needs a <serial>"},
	{"<os><type machine='q35'>hvm</type><boot dev='floppy'/></os>", "os/boot",
		"one of: hd cdrom network fd"},
	{"<os><type machine='q35'>hvm</type><nvram>/a</nvram></os>", "os/nvram",
		"no loader is named"},
	{"<os><type machine='q35'>hvm</type><loader type='pflash' secure='yes'>/a</loader></os>"
	 "<features><acpi/></features>",
		"os/loader", "<smm state='on'/>"},
	{"<os firmware='efi'><type machine='q35'>hvm</type></os>", "/domain/os", "<acpi/>"},
	{"<qemu:commandline><qemu:env name='1a'/></qemu:commandline>", "qemu:env",
		"no name of a variable"},
	{"<qemu:override><qemu:device alias='a'><qemu:frontend><qemu:property name='b' "
	 "type='bool' value='on'/></qemu:frontend></qemu:device></qemu:override>",
		"qemu:property", "true or false"},
};

static void schema_settings__are_refused_with_place_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct dd_error err = {0};
		CLEANUP(document) struct document *domain = parsed(refusals[i].parts, &err);
		char line[2048];

		must(err.code, &err);
		if (!document_freeze(domain, &options, &err))
			fail_msg("%s: is taken", refusals[i].parts);
		dd_error_format(&err, line, sizeof line);
		assert_mentions(line, refusals[i].message);
		assert_mentions(err.path, refusals[i].place);
		assert_int_not_equal(err.line, 0);
	}
}

static void schema_settings__rules_are_found_by_their_element(void **state)
{
	size_t count = 0;

	(void)state;
	/* one that is out of order is not found; these are the first and the last */
	for (const struct value_rule *rule = value_rules("acpi/table", &count); count;) {
		size_t found = 0;

		assert_non_null(value_rules(rule->element, &found));
		if (strcmp(rule->element, "xen/passthrough") == 0)
			break;
		rule++;
	}
	assert_null(value_rules("disk/target", &count));
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_settings__are_completed_and_stay),
		cmocka_unit_test(schema_settings__are_refused_with_place_and_reason),
		cmocka_unit_test(schema_settings__rules_are_found_by_their_element),
	};

	return cmocka_run_group_tests_name("schema_settings", tests, setup, teardown);
}
