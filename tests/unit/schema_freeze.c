/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/freeze.h"

#include "schema/fill.h"
#include "schema/ids.h"
#include "schema/mac.h"
#include "schema/uuid.h"
#include "tests/support/freezing.h"

static const char *machine_of(const struct document *document)
{
	return node_attr(node_descend(document_root(document), "os/type"), "machine");
}

static void schema_freeze__least_definition_gets_everything(void **state)
{
	CLEANUP(document)
	struct document *domain =
		document_of("<domain type='qemu'><name>least</name><memory unit='MiB'>64</memory>"
			    "<os><type>hvm</type></os></domain>");
	const xmlNode *root = document_root(domain);
	struct dd_error err = {0};

	(void)state;
	must(document_freeze(domain, &options, &err), &err);
	assert_int_equal(strlen(document_uuid(domain)), UUID_SIZE - 1);
	assert_int_equal(document_uuid(domain)[14], '4');
	assert_string_equal(machine_of(domain), "pc-i440fx-7.2");
	assert_string_equal(document_emulator(domain), "/usr/bin/qemu-system-x86_64");
	assert_string_equal(node_text(node_child(root, "currentMemory")), "65536");
	assert_string_equal(node_text(node_descend(root, "cpu/model")), "qemu64");
	assert_string_equal(node_attr(node_descend(root, "os/boot"), "dev"), "hd");
	assert_string_equal(node_attr(node_child(root, "clock"), "offset"), "utc");
	assert_int_equal(device_count(domain, "input"), 2);
	assert_int_equal(device_count(domain, "memballoon"), 1);
	assert_int_equal(device_count(domain, "audio"), 1);
}

static void schema_freeze__two_guests_differ_in_what_is_made_up(void **state)
{
	char first[UUID_SIZE], second[UUID_SIZE], one[MAC_SIZE], other[MAC_SIZE];
	struct dd_error err = {0};

	(void)state;
	must(uuid_make(first, &err), &err);
	must(uuid_make(second, &err), &err);
	assert_string_not_equal(first, second);
	for (unsigned i = 0; i < 100; i++) {
		must(mac_make(one, &err), &err);
		assert_true(mac_is_valid(one));
		assert_memory_equal(one, "52:54:00:", 9);
	}
	must(mac_make(other, &err), &err);
	assert_string_not_equal(one, other);
	assert_false(mac_is_valid("53:54:00:00:00:01"));
	assert_false(mac_is_valid("52:54:00:00:00"));
	assert_false(mac_is_valid(NULL));
}

static void schema_freeze__an_unknown_machine_names_those_like_it(void **state)
{
	CLEANUP(document) struct document *domain = domain_with("pc-q35-99.0", "");
	struct dd_error err = {0};

	(void)state;
	assert_int_equal(document_freeze(domain, &options, &err), DD_UNSUPPORTED);
	assert_non_null(strstr(err.message, "pc-q35-99.0"));
	assert_non_null(strstr(err.hint, "pc-q35-7.2"));
	assert_string_equal(err.path, "/domain/os/type");
}

static void schema_freeze__what_contradicts_itself_is_refused(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{"<devices><disk type='file'><source file='/i'/><target dev='vda'/></disk>"
		 "<disk type='file'><source file='/i'/><target dev='vda'/></disk></devices>",
			"target vda is also that of /domain/devices/disk[1]"},
		{"<devices><disk type='file'/></devices>", "no target"},
		{"<devices><interface type='user'><mac address='53:00:00:00:00:01'/>"
		 "</interface></devices>",
			"MAC"},
		{"<devices><disk type='file'><source file='/i'/><target dev='vda'/><boot "
		 "order='1'/></disk>"
		 "<interface type='user'><boot order='1'/></interface></devices>",
			"boot order 1"},
		{"<devices><memballoon model='virtio'/><memballoon model='virtio'/></devices>",
			"only one memballoon"},
		{"<devices><controller type='scsi' index='1'/><controller type='scsi' "
		 "index='1'/></devices>",
			"index 1"},
		{"<devices><disk type='file'><source file='/i'/><target dev='sda' "
		 "bus='scsi'/><address type='drive' "
		 "controller='0' bus='0' target='0' unit='3'/></disk><disk type='file'><source "
		 "file='/i'/><target "
		 "dev='sdb' bus='scsi'/><address type='drive' controller='0' bus='0' target='0' "
		 "unit='3'/></disk></devices>",
			"scsi 0:0:0:3"},
		{"<devices><memory model='dimm'><target><size>1024</size></target></memory>"
		 "</devices>",
			"memory"},
		{"<vcpu>2</vcpu><cputune><vcpusched vcpus='0-1' scheduler='batch'/><vcpusched "
		 "vcpus='1' "
		 "scheduler='batch'/></cputune>",
			"has a scheduler already"},
		{"<devices><disk type='file'><source file='/i'/><target dev='sda' "
		 "bus='sata'/><address type='drive' "
		 "controller='0' bus='0' target='1' unit='0'/></disk></devices>",
			"no targets"},
		{"<devices><disk type='file'><source file='/i'/><target dev='sda'/><address "
		 "type='drive' "
		 "controller='65535' bus='0' target='0' unit='0'/></disk></devices>",
			"too large"},
		{"<iothreads>999999</iothreads><iothreadids><iothread id='1'/></iothreadids>",
			"I/O threads"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(document) struct document *domain = domain_with("pc", cases[i].body);
		struct dd_error err = {0};

		assert_int_equal(document_freeze(domain, &options, &err), DD_INVALID);
		if (!strstr(err.message, cases[i].says))
			fail_msg("%s: %s", err.path, err.message);
		assert_true(err.path[0]);
	}
}

#define DISK(type, rest) "<disk type='" type "'>" rest "</disk>"
#define FILE_DISK(rest) DISK("file", "<source file='/i'/>" rest)

static const struct {
	const char *devices, *says;
} impossible[] = {
	{"<disk type='file'><target dev='vda'/></disk>", "no <source>"},
	{FILE_DISK("<target dev='vda1'/>"), "partition"},
	{FILE_DISK("<target dev='foo' bus='virtio'/>"), "no name of a disk"},
	{FILE_DISK("<driver io='native'/><target dev='vda'/>"), "io='native'"},
	{FILE_DISK("<driver cache='fast'/><target dev='vda'/>"), "cache='fast'"},
	{FILE_DISK("<driver queues='2'/><target dev='sda' bus='scsi'/>"), "driver/@queues"},
	{FILE_DISK("<readonly/><target dev='hda'/>"), "only read"},
	{FILE_DISK("<wwn>5000c50015ea71ad</wwn><target dev='vda'/>"), "wwn"},
	{"<disk type='file' device='cdrom'><target dev='vda'/></disk>", "CD-ROM"},
	{"<disk type='file' device='lun'><source file='/i'/><target dev='sda'/></disk>",
		"block device"},
	{"<controller type='usb' model='none'/><controller type='usb'/>", "no USB"},
	{"<controller type='scsi' model='buslogic'/>", "buslogic"},
	{"<controller type='ide' index='1'/>", "one IDE controller"},
	{"<controller type='pci' model='pci-bridge'/>", "pci-root"},
	{"<interface type='bridge'/>", "<source>"},
	{"<interface type='user'><mtu size='9000'/></interface>", "mtu"},
	{"<interface type='user'><model type='e1000'/><driver iommu='on'/></interface>",
		"virtio devices only"},
	{"<video><model type='vga' heads='2'/></video>", "one head"},
	{"<video><model type='qxl'/></video><video><model type='cirrus'/></video>", "primary"},
	{"<video><model type='none'/></video><video><model type='qxl'/></video>", "none"},
	{"<channel type='spicevmc'><target type='virtio'/></channel>", "SPICE"},
	{"<console type='pty'/><console type='pty'/>", "first console"},
	{"<watchdog model='i6300esb'/><watchdog model='i6300esb'/>", "only one watchdog"},
	{"<sound model='ich7'/>", "ich7"},
	{"<input type='tablet' bus='ps2'/>", "ps2"},
	{"<filesystem type='mount'><driver type='virtiofs'/><source dir='/a'/>"
	 "<target dir='t'/></filesystem>",
		"memory that the host shares"},
	{"<hostdev mode='subsystem' type='usb'><source><vendor id='1'/><product id='2'/>"
	 "</source><boot order='0'/></hostdev>",
		"begin at 1"},
	{"<audio id='1' type='spice'/>", "SPICE"},
	{"<audio type='none'/>", "needs an id"},
	{"<sound model='ich6'><audio id='2'/></sound>", "no audio backend 2"},
	{FILE_DISK("<driver iothread='1'/><target dev='vda'/>"), "no I/O thread 1"},
	{"<controller type='scsi' model='virtio-scsi'><driver iothread='4'/></controller>",
		"no I/O thread 4"},
	{"<controller type='pci' index='0' model='pci-root'/>"
	 "<controller type='pci' index='1' model='pci-expander-bus'><target><node>1</node>"
	 "</target></controller>",
		"no NUMA cell 1"},
	{"<controller type='pci' index='1' model='pci-bridge'><target port='1'/>"
	 "</controller>",
		"has no port"},
	{"<controller type='pci' index='1' model='pci-bridge'><target chassisNr='256'/>"
	 "</controller>",
		"between 1 and 255"},
	{"<controller type='pci' index='1' model='pci-bridge'><model name='pxb'/>"
	 "</controller>",
		"not pxb"},
	{"<controller type='usb' index='1' model='ich9-uhci1'/>", "is alone"},
	{"<controller type='usb' model='nec-xhci' index='0'/>"
	 "<controller type='usb' model='ich9-ehci1' index='0'/>",
		"index 0 is also"},
	{"<graphics type='spice' tlsPort='5901'/>", "no TLS"},
	{"<graphics type='vnc'><listen type='network'/></graphics>", "network=''"},
	{"<graphics type='vnc'><listen/></graphics>", "type is missing"},
	{"<graphics type='vnc' listen='::1'><listen type='address' address='::'/>"
	 "</graphics>",
		"not the address"},
	{"<interface type='bridge'><source bridge='b'/><virtualport type='midonet'/>"
	 "</interface>",
		"need interfaceid"},
	{"<interface type='bridge'><source bridge='b'/><virtualport type='openvswitch'>"
	 "<parameters managerid='1'/></virtualport></interface>",
		"no managerid"},
	{"<interface type='bridge'><source bridge='b'/><virtualport>"
	 "<parameters profileid='1'/></virtualport></interface>",
		"needs a type"},
	{"<interface type='hostdev'><source><address slot='1'/></source></interface>",
		"needs a type"},
	{"<interface type='user'><backend type='passt'/></interface>", "leave type out"},
	{FILE_DISK("<target dev='vda'/><serial>a/b</serial>"), "other characters"},
	{FILE_DISK("<target dev='sda' bus='scsi'/><vendor>123456789</vendor>"), "more than 8"},
	{FILE_DISK("<driver type='raw'/><target dev='vda'/><encryption format='qcow'/>"), "luks"},
	{FILE_DISK("<driver type='iso'/><target dev='hda'/>"), "iso"},
	{FILE_DISK("<target dev='fdc'/>"), "floppy"},
	{FILE_DISK("<target dev='vda'/><iotune><read_bytes_sec>1</read_bytes_sec>"
		   "<group_name>g</group_name></iotune>")
			FILE_DISK("<target dev='vdb'/><iotune><read_bytes_sec>2</read_bytes_sec>"
				  "<group_name>g</group_name></iotune>"),
		"the same group"},
	{DISK("volume", "<source pool='p'/><target dev='vda'/>"), "pool"},
	{DISK("network", "<source protocol='rbd'/><target dev='vda'/>"), "needs a name"},
	{DISK("network", "<source protocol='nfs' name='/a'/><target dev='vda'/>"), "one host"},
	{DISK("vhostuser", "<source type='unix' path='/s'/><target dev='vda'/>"),
		"memory that the host shares"},
	{"<vsock><cid address='2'/></vsock>", "between 3"},
	{"<smartcard mode='host-certificates'><certificate>a</certificate></smartcard>",
		"3 certificates"},
	{"<shmem name='a/b'><model type='ivshmem-plain'/></shmem>", "no '/'"},
	{"<shmem name='a'/>", "needs a <model>"},
	{"<shmem name='a'><model type='ivshmem-doorbell'/></shmem>", "has a <server>"},
	{"<panic model='isa'><address type='pci'/></panic>", "isa address"},
	{"<video><model type='vga' vram='512'/></video>", "at least 1024"},
	{"<video><model type='vga'><resolution x='0' y='1'/></model></video>", "begin at 1"},
	{"<serial type='pty'><target type='isa-serial'><model name='pci-serial'/></target>"
	 "</serial>",
		"not a pci-serial"},
	{"<serial type='pty'><target type='isa-serial'/><address type='pci' slot='9'/></serial>",
		"of type isa, not pci"},
	{"<tpm model='tpm-tis'><backend type='emulator' version='1.2'><active_pcr_banks><sha1/>"
	 "</active_pcr_banks></backend></tpm>",
		"version 2.0"},
};

static void schema_freeze__devices_that_no_guest_can_have_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(impossible); i++) {
		CLEANUP(text) struct text devices = TEXT_INIT;
		struct dd_error err = {0};

		text_printf(&devices, "<devices>%s</devices>", impossible[i].devices);

		CLEANUP(document)
		struct document *domain = domain_with("pc", text_string(&devices));

		int rc = document_freeze(domain, &options, &err);

		if ((rc != DD_INVALID && rc != DD_UNSUPPORTED) || !err.line ||
			!strstr(err.message, impossible[i].says))
			fail_msg("case %zu: %d %s: %s", i, rc, err.path, err.message);
	}
}

static void schema_freeze__numbers_in_a_set_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{"0-3", "0-3"},
		{"1-3,^2", "1,3"},
		{"5,4,3", "3-5"},
		{"4095", "4095"},
		{"4096", NULL},
		{"3-1", NULL},
		{"1,,2", NULL},
		{"-1", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		CLEANUP(id_set) struct id_set *set = NULL;
		CLEANUP(text) struct text out = TEXT_INIT;
		struct dd_error err = {0};
		xmlNode *node = xmlNewNode(NULL, BAD_CAST "vcpu");

		must(id_set_new(&set, &err), &err);
		must(node_set_attr(node, "cpuset", cases[i].text, &err), &err);

		int rc = id_set_read(set, node, "cpuset", &err);

		xmlFreeNode(node);
		assert_int_equal(rc, cases[i].written ? 0 : DD_INVALID);
		if (!cases[i].written)
			continue;
		id_set_write(set, &out);
		assert_string_equal(text_string(&out), cases[i].written);
	}
}

static void schema_freeze__vcpus_stay_within_what_the_machine_has(void **state)
{
	static const char *const wrong[] = {"<vcpu>0</vcpu>", "<vcpu current='3'>2</vcpu>",
		"<vcpu current='0'>2</vcpu>", "<vcpu>256</vcpu>"};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		CLEANUP(document) struct document *domain = domain_with("pc", wrong[i]);
		struct dd_error err = {0};

		assert_int_equal(document_freeze(domain, &options, &err), DD_INVALID);
		assert_string_equal(err.path, "/domain/vcpu");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_freeze__least_definition_gets_everything),
		cmocka_unit_test(schema_freeze__two_guests_differ_in_what_is_made_up),
		cmocka_unit_test(schema_freeze__an_unknown_machine_names_those_like_it),
		cmocka_unit_test(schema_freeze__what_contradicts_itself_is_refused),
		cmocka_unit_test(schema_freeze__vcpus_stay_within_what_the_machine_has),
		cmocka_unit_test(schema_freeze__devices_that_no_guest_can_have_are_refused),
		cmocka_unit_test(schema_freeze__numbers_in_a_set_are_read_and_written),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
