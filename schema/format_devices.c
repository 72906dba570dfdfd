/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/format.h"

#define UNIT "unit"
#define VIRTIO "iommu:o ats:o packed:o page_per_vq:o"
#define INFO "boot alias master rom acpi address"

/* a character device: what is behind it, and then what the guest sees */
#define CHARDEV "source* protocol log target alias acpi address"
#define CHARDEV_SOURCE "mode path append:o host service channel master slave tls:y"
#define CHARDEV_PARTS "reconnect seclabel* clipboard mouse"

#define DISK_SOURCE                                                                 \
	"file dev dir protocol name query tls:y tlsHostname pool volume type path " \
	"managed:y namespace:d mode startupPolicy fdgroup index:d"
#define DISK_SOURCE_PARTS                                                              \
	"host* snapshot config initiator auth address slices encryption reservations " \
	"ssl cookies readahead timeout identity reconnect privateData seclabel*"

const struct format format_devices[] = {
	{"domain/devices", "",
		"emulator disk* controller* lease* filesystem* interface* smartcard* serial* "
		"parallel* "
		"console* channel* input* tpm* graphics* sound* audio* video* hostdev* redirdev* "
		"redirfilter "
		"hub* watchdog* memballoon* rng* nvram* panic* shmem* memory* iommu* vsock*"},

	/* parts that many kinds have */
	{"alias", "name", ""},
	{"boot", "order:d loadparm", ""},
	{"rom", "bar:o file enabled:y", ""},
	{"acpi", "index:d", ""},
	{"master", "startport:d", ""},
	{"log", "file append:o", ""},
	{"protocol", "type", ""},
	{"reconnect", "enabled:y timeout:d", ""},
	{"clipboard", "copypaste:y", ""},
	{"seclabel", "model relabel:y labelskip:y", "label*"},
	{"vendor", "id:4", ""},
	{"product", "id:4", ""},
	{"address", "type", ""},
	{"address[pci]", "type domain:4 bus:2 slot:2 function:1 multifunction:o", "zpci"},
	{"address[drive]", "type controller:d bus:d target:d unit:d", ""},
	{"address[usb]", "type bus:d port device:d", ""},
	{"address[virtio-serial]", "type controller:d bus:d port:d", ""},
	{"address[ccid]", "type controller:d slot:d", ""},
	{"address[isa]", "type iobase:x irq:x", ""},
	{"address[dimm]", "type slot:d base:x", ""},
	{"address[ccw]", "type cssid:h ssid:h devno:4", ""},
	{"address[spapr-vio]", "type reg:8", ""},
	{"address[mdev]", "uuid:u", ""},
	{"address[scsi]", "bus:d target:d unit:d", ""},
	{"address/zpci", "uid:4 fid:8", ""},

	/* disks */
	{"devices/disk", "type device rawio:y sgio snapshot model",
		"driver auth source mirror backingStore backenddomain geometry blockio target "
		"iotune readonly shareable transient serial wwn vendor product encryption "
		"privateData boot alias acpi address"},
	{"disk/driver",
		"name type cache error_policy rerror_policy io ioeventfd:o event_idx:o "
		"copy_on_read:o discard iothread:d detect_zeroes queues:d queue_size:d " VIRTIO,
		"metadata_cache"},
	{"metadata_cache", "", "max_size"},
	{"metadata_cache/max_size", UNIT, "", 'B'},
	{"auth", "username", "secret"},
	{"secret", "type usage uuid:u", ""},
	{"disk/source", DISK_SOURCE, DISK_SOURCE_PARTS},
	{"backingStore/source", DISK_SOURCE, DISK_SOURCE_PARTS},
	{"mirror/source", DISK_SOURCE, DISK_SOURCE_PARTS},
	{"os/nvram/source", DISK_SOURCE, DISK_SOURCE_PARTS},
	{"source/host", "name port transport socket", ""},
	{"source/snapshot", "name", ""},
	{"source/config", "file", ""},
	{"source/initiator", "", "iqn"},
	{"initiator/iqn", "name", ""},
	{"source/slices", "", "slice*"},
	{"slices/slice", "type offset:d size:d", ""},
	{"encryption", "format engine", "secret* cipher ivgen"},
	{"encryption/cipher", "name size:d mode hash", ""},
	{"encryption/ivgen", "name hash", ""},
	{"source/reservations", "managed:y", "source"},
	{"reservations/source", "type path mode", "reconnect"},
	{"source/ssl", "verify:y", ""},
	{"source/cookies", "", "cookie*"},
	{"cookies/cookie", "name", ""},
	{"source/readahead", "size:d", ""},
	{"source/timeout", "seconds:d", ""},
	{"source/identity", "user group", ""},
	{"backingStore", "type index:d", "format source backingStore"},
	{"backingStore/format", "type", "metadata_cache"},
	{"disk/mirror", "type file format job ready", "format source backingStore"},
	{"mirror/format", "type", "metadata_cache"},
	{"disk/backenddomain", "name", ""},
	{"disk/geometry", "cyls:d heads:d secs:d trans", ""},
	{"disk/blockio", "logical_block_size:d physical_block_size:d", ""},
	{"disk/target", "dev bus tray removable:o rotation_rate:d", ""},
	{"disk/vendor", "", ""},
	{"disk/product", "", ""},
	{"disk/transient", "shareBacking:y", ""},
	{"disk/iotune", "",
		"total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec "
		"write_iops_sec total_bytes_sec_max read_bytes_sec_max write_bytes_sec_max "
		"total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec group_name "
		"total_bytes_sec_max_length read_bytes_sec_max_length "
		"write_bytes_sec_max_length total_iops_sec_max_length read_iops_sec_max_length "
		"write_iops_sec_max_length"},
	{"iotune/*", "", "", 'd'},
	{"iotune/group_name", "", ""},

	/* controllers */
	{"devices/controller",
		"type index:d model ports:d vectors:d maxGrantFrames:d maxEventChannels:d",
		"model target driver pcihole64 " INFO},
	{"controller/model", "name", ""},
	{"controller/target", "chassisNr:n chassis:n port:h busNr:n index:d hotplug:o", "node"},
	{"controller/target/node", "", "", 'd'},
	{"controller/driver", "queues:d cmd_per_lun:d max_sectors:d ioeventfd:o iothread:d " VIRTIO,
		""},
	{"controller/pcihole64", UNIT, "", 'k'},

	{"devices/lease", "", "lockspace key target"},
	{"lease/target", "path offset:d", ""},

	/* filesystems */
	{"devices/filesystem", "type accessmode fmode dmode multidevs model",
		"driver binary source target readonly space_hard_limit space_soft_limit " INFO},
	{"filesystem/driver", "type format wrpolicy queue:d " VIRTIO, ""},
	{"filesystem/binary", "path xattr:o", "cache sandbox lock thread_pool"},
	{"binary/cache", "mode", ""},
	{"binary/sandbox", "mode", ""},
	{"binary/lock", "posix:o flock:o", ""},
	{"binary/thread_pool", "size:d", ""},
	{"filesystem/source", "file dev dir socket name pool volume usage:d units", ""},
	{"filesystem/target", "dir", ""},
	{"filesystem/space_hard_limit", UNIT, "", 'B'},
	{"filesystem/space_soft_limit", UNIT, "", 'B'},

	/* interfaces */
	{"devices/interface", "type managed:y trustGuestRxFilters:y",
		"mac source vlan virtualport bandwidth port script downscript backenddomain "
		"target guest ip* route* portForward* model driver backend filterref tune link mtu "
		"teaming coalesce " INFO},
	{"devices/interface[hostdev]", "type managed:y trustGuestRxFilters:y",
		"mac driver source vlan virtualport bandwidth port script downscript "
		"backenddomain target guest ip* route* portForward* model backend filterref tune "
		"link mtu teaming coalesce " INFO},
	{"interface/mac", "address:m type check:y", ""},
	{"interface/source",
		"network portid portgroup bridge macTableManager type path dev address port mode "
		"name missing:y switchid portgroupid connectionid tls:y",
		"reconnect vendor product ip* route* address local"},
	{"source/local", "address port:d", ""},
	{"ip", "address family prefix:d peer", ""},
	{"route", "family address netmask prefix:d gateway metric:d", ""},
	{"interface/vlan", "trunk:y", "tag*"},
	{"vlan/tag", "id:d nativeMode", ""},
	{"interface/virtualport", "type", "parameters"},
	{"virtualport/parameters",
		"managerid typeid typeidversion instanceid:u interfaceid:u profileid", ""},
	{"interface/bandwidth", "classID:d", "inbound outbound"},
	{"bandwidth/inbound", "average:d peak:d floor:d burst:d", ""},
	{"bandwidth/outbound", "average:d peak:d floor:d burst:d", ""},
	{"interface/port", "isolated:y", ""},
	{"interface/script", "path", ""},
	{"interface/downscript", "path", ""},
	{"interface/backenddomain", "name", ""},
	{"interface/target", "dev managed:y", ""},
	{"interface/guest", "dev actual", ""},
	{"interface/model", "type", ""},
	{"interface/driver",
		"name txmode ioeventfd:o event_idx:o queues:d rx_queue_size:d tx_queue_size:d "
		"rss:o rss_hash_report:o " VIRTIO,
		"host guest"},
	{"driver/host", "csum:o gso:o tso4:o tso6:o ecn:o ufo:o mrg_rxbuf:o", ""},
	{"driver/guest", "csum:o tso4:o tso6:o ecn:o ufo:o", ""},
	{"interface/backend", "type tap vhost logFile", ""},
	{"interface/filterref", "filter", "parameter*"},
	{"filterref/parameter", "name value", ""},
	{"interface/portForward", "proto address dev", "range*"},
	{"portForward/range", "start:d end:d to:d exclude:y", ""},
	{"interface/tune", "", "sndbuf"},
	{"tune/sndbuf", "", "", 'd'},
	{"interface/link", "state", ""},
	{"interface/mtu", "size:d", ""},
	{"teaming", "type persistent", ""},
	{"interface/coalesce", "", "rx"},
	{"coalesce/rx", "", "frames"},
	{"rx/frames", "max:d", ""},

	/* character devices */
	{"devices/smartcard", "mode type", "certificate* database " CHARDEV},
	{"devices/serial", "type tty", CHARDEV},
	{"devices/parallel", "type tty", CHARDEV},
	{"devices/console", "type tty", CHARDEV},
	{"devices/channel", "type tty", CHARDEV},
	{"smartcard/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"serial/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"parallel/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"console/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"channel/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"redirdev/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"rng/backend/source", CHARDEV_SOURCE, CHARDEV_PARTS},
	{"source/mouse", "mode", ""},
	{"smartcard/target", "type port", "model"},
	{"serial/target", "type port:d", "model"},
	{"parallel/target", "type port:d", "model"},
	{"console/target", "type port:d", "model"},
	{"channel/target", "type address port:d name state", ""},
	{"target/model", "name", ""},

	{"devices/input", "type bus model", "driver source " INFO},
	{"input/driver", VIRTIO, ""},
	{"input/source", "evdev dev grab grabToggle repeat:o", ""},
	{"devices/tpm", "model", "backend alias acpi address"},
	{"tpm/backend", "type version persistent_state:y",
		"encryption active_pcr_banks device source"},
	{"backend/encryption", "secret:u", ""},
	{"backend/active_pcr_banks", "", "sha1 sha256 sha384 sha512"},
	{"backend/device", "path", ""},
	{"tpm/backend/source", "type path mode", ""},

	/* what one sees and hears */
	{"devices/graphics",
		"type p2p:y address display xauth fullscreen:y socket port:i tlsPort:i autoport:y "
		"replaceUser:y multiUser:y websocket:i listen keymap defaultMode sharePolicy "
		"powerControl:y passwd passwdValidTo connected",
		"listen* channel* audio image jpeg zlib playback streaming clipboard mouse "
		"filetransfer gl"},
	{"graphics/listen", "type address network socket", ""},
	{"graphics/channel", "name mode", ""},
	{"graphics/image", "compression", ""},
	{"graphics/jpeg", "compression", ""},
	{"graphics/zlib", "compression", ""},
	{"graphics/playback", "compression:o", ""},
	{"graphics/streaming", "mode", ""},
	{"graphics/mouse", "mode", ""},
	{"graphics/filetransfer", "enable:y", ""},
	{"graphics/gl", "enable:y rendernode", ""},
	{"audio", "id:d", ""},
	{"devices/sound", "model", "codec* audio " INFO},
	{"sound/codec", "type", ""},
	{"devices/audio",
		"id:d type timerPeriod:d tryMMap:y exclusive:y dspPolicy:i serverName path driver",
		"input output"},
	{"audio/input",
		"mixingEngine:y fixedSettings:y voices:d bufferLength:d dev bufferCount:d "
		"tryPoll:y serverName clientName connectPorts exactName:y name streamName latency",
		"settings"},
	{"audio/output",
		"mixingEngine:y fixedSettings:y voices:d bufferLength:d dev bufferCount:d "
		"tryPoll:y serverName clientName connectPorts exactName:y name streamName latency",
		"settings"},
	{"settings", "frequency:d channels:d format", ""},
	{"devices/video", "", "driver model " INFO},
	{"video/driver", VIRTIO " name vgaconf", ""},
	{"video/model", "type ram:d vram:d vram64:d vgamem:d heads:d primary:y",
		"acceleration resolution"},
	{"model/acceleration", "accel2d:y accel3d:y rendernode", ""},
	{"model/resolution", "x:d y:d", ""},

	/* host devices */
	{"devices/hostdev", "mode type managed:y sgio rawio:y model display:o ramfb:o",
		"driver source ip* route* readonly shareable teaming boot alias master rom acpi "
		"address"},
	{"hostdev/driver", "name model", ""},
	{"hostdev/source/address[usb]", "type bus:n port device:n", ""},
	{"hostdev/source", "startupPolicy guestReset protocol name wwpn writeFiltering:y",
		"vendor product adapter host* address auth initiator block char interface"},
	{"source/adapter",
		"name type managed:y parent parent_wwnn parent_wwpn parent_fabric_wwn wwnn wwpn",
		"parentaddr"},
	{"adapter/parentaddr", "unique_id:d", "address"},
	{"devices/redirdev", "bus type", "source* protocol log " INFO},
	{"devices/redirfilter", "", "usbdev*"},
	{"redirfilter/usbdev", "class vendor product version allow:y", ""},
	{"devices/hub", "type", "alias address"},

	/* the small ones */
	{"devices/watchdog", "model action", "alias acpi address"},
	{"devices/memballoon", "model autodeflate:o freePageReporting:o",
		"stats alias acpi address driver"},
	{"memballoon/stats", "period:d", ""},
	{"memballoon/driver", VIRTIO, ""},
	{"devices/rng", "model", "rate backend driver alias acpi address"},
	{"rng/rate", "bytes:d period:d", ""},
	{"rng/backend", "model type", "source* protocol log"},
	{"rng/driver", VIRTIO, ""},
	{"devices/nvram", "", "alias address"},
	{"devices/panic", "model", "alias address"},
	{"devices/shmem", "name role", "model size server msi alias acpi address"},
	{"shmem/model", "type", ""},
	{"shmem/size", UNIT, "", 'M'},
	{"shmem/server", "path", ""},
	{"shmem/msi", "enabled:o vectors:d ioeventfd:o", ""},
	{"devices/memory", "model access discard:y", "uuid source target alias acpi address"},
	{"memory/uuid", "", "", 'u'},
	{"devices/memory/source", "", "path alignsize pmem nodemask pagesize"},
	{"memory/source/alignsize", UNIT, "", 'k'},
	{"memory/source/pagesize", UNIT, "", 'k'},
	{"memory/source/nodemask", "", "", 'c'},
	{"devices/memory/target", "", "size node label readonly block requested current"},
	{"memory/target/size", UNIT, "", 'k'},
	{"memory/target/node", "", "", 'd'},
	{"memory/target/block", UNIT, "", 'k'},
	{"memory/target/requested", UNIT, "", 'k'},
	{"memory/target/current", UNIT, "", 'k'},
	{"memory/target/label", "", "size"},
	{"label/size", UNIT, "", 'k'},
	{"devices/iommu", "model", "driver alias acpi address"},
	{"iommu/driver", "intremap:o caching_mode:o eim:o iotlb:o aw_bits:d", ""},
	{"devices/vsock", "model", "cid driver alias acpi address"},
	{"vsock/cid", "auto:y address:d", ""},
	{"vsock/driver", VIRTIO, ""},
};

const size_t format_devices_count = sizeof format_devices / sizeof format_devices[0];
