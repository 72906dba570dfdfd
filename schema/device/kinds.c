/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/device/kind.h"

#include "schema/fill.h"

static const struct device_kind *const kinds[] = {
	&kind_disk,
	&kind_controller,
	&kind_filesystem,
	&kind_interface,
	&kind_smartcard,
	&kind_serial,
	&kind_parallel,
	&kind_console,
	&kind_channel,
	&kind_input,
	&kind_tpm,
	&kind_graphics,
	&kind_sound,
	&kind_audio,
	&kind_video,
	&kind_hostdev,
	&kind_redirdev,
	&kind_redirfilter,
	&kind_hub,
	&kind_watchdog,
	&kind_memballoon,
	&kind_rng,
	&kind_panic,
	&kind_shmem,
	&kind_memory,
	&kind_iommu,
	&kind_vsock,
};

const struct device_kind *device_kind(const xmlNode *device)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (node_is(device, kinds[i]->element))
			return kinds[i];
	return NULL;
}
