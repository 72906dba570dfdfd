/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a chipset has at fixed places.
 *
 * i440fx: slot 1 is the PIIX3, whose functions are the ISA bridge (0), the first IDE controller
 * (1), the first USB controller (2) where it is a piix3-uhci, and power management (3). Q35: slot
 * 0x1f is the ICH9: ISA bridge (0), the first SATA controller (2), SMBus (3). Where real boards
 * have them, the first two ICH9 USB groups go to 0x1d and 0x1a, a dmi-to-pci-bridge to 0x1e and the
 * first ich9 sound card to 0x1b, unless somebody sits there. The primary video card takes the first
 * slot behind the chipset: 2 on i440fx, 1 on Q35.
 */

#include "schema/address/pci.h"
#include "schema/controllers.h"
#include "schema/device/video.h"
#include "schema/fill.h"
#include "schema/machine.h"

/* Places a device that has no address yet. */
static int place_at(struct pci_set *set, xmlNode *device, struct pci_place place, unsigned needs,
	const char *multifunction, struct dd_error *err)
{
	int rc = pci_set_take(set, &place, needs, true, device, err);

	return rc ? rc : pci_place_write(device, &place, multifunction, err);
}

static int reserve(struct pci_set *set, unsigned slot, unsigned function, unsigned needs,
	const xmlNode *blame, struct dd_error *err)
{
	struct pci_place place = {.slot = slot, .function = function};

	return pci_set_take(set, &place, needs, true, blame, err);
}

static const char *controller_type(const xmlNode *controller)
{
	const char *type = node_attr(controller, "type");

	return type ? type : "";
}

/* A controller that the chipset itself has: there, or an error. */
static int fix_controller(struct pci_set *set, xmlNode *controller, struct pci_place place,
	bool take, struct dd_error *err)
{
	struct pci_place given;

	if (pci_place_read(node_child(controller, "address"), &given)) {
		if (given.domain || given.bus || given.slot != place.slot ||
			given.function != place.function)
			return node_error(controller, err, DD_INVALID,
				"the first %s controller of this machine type is at pci "
				"0000:00:%02x.%x and nowhere else",
				controller_type(controller), place.slot, place.function);
		return take ? pci_set_take(
				      set, &place, PCI_NEEDS_CONVENTIONAL, true, controller, err)
			    : 0;
	}
	if (take)
		return place_at(set, controller, place, PCI_NEEDS_CONVENTIONAL, NULL, err);
	return pci_place_write(controller, &place, NULL, err);
}

/* Slot of the primary video card, if that has no address yet. */
static int place_video(
	struct document *document, struct pci_set *set, unsigned slot, struct dd_error *err)
{
	xmlNode *video = video_primary(document);
	struct pci_place place = {.slot = slot};
	unsigned needs = pci_needs(document, video);
	int rc = 0;

	if (!video || !needs || !address_wanted(video, "pci"))
		return 0;
	if (pci_slot_used(set, 0, slot))
		rc = pci_set_find(set, needs, -1, &place, video, err);
	return rc ? rc : place_at(set, video, place, needs, NULL, err);
}

static int place_piix(struct document *document, struct pci_set *set, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *node = device_first(document, "controller"); node && !rc;
		node = node_next(node)) {
		if (controller_index(node))
			continue;
		if (node_attr_is(node, "type", "ide"))
			rc = fix_controller(
				set, node, (struct pci_place){.slot = 1, .function = 1}, true, err);
		else if (node_attr_is(node, "type", "usb") &&
			 (!node_attr(node, "model") || node_attr_is(node, "model", "piix3-uhci")))
			rc = fix_controller(
				set, node, (struct pci_place){.slot = 1, .function = 2}, true, err);
	}
	if (!rc)
		rc = reserve(set, 1, 0, PCI_NEEDS_CONVENTIONAL, document_devices(document), err);
	if (!rc)
		rc = reserve(set, 1, 3, PCI_NEEDS_CONVENTIONAL, document_devices(document), err);
	return rc ? rc : place_video(document, set, 2, err);
}

/* The first free one of two slots, or 0. */
static unsigned free_slot(const struct pci_set *set, unsigned first, unsigned second)
{
	if (!pci_slot_used(set, 0, first))
		return first;
	return second && !pci_slot_used(set, 0, second) ? second : 0;
}

static int place_ich9_controller(struct pci_set *set, xmlNode *node, struct dd_error *err)
{
	bool wanted = address_wanted(node, "pci");
	unsigned slot = 0;

	if (node_attr_is(node, "type", "sata") && !controller_index(node))
		return fix_controller(
			set, node, (struct pci_place){.slot = 0x1f, .function = 2}, false, err);
	if (!wanted)
		return 0;
	if (node_attr_is(node, "type", "usb") && node_attr_is(node, "model", "ich9-uhci1")) {
		slot = free_slot(set, 0x1d, 0x1a);
		return slot ? place_at(set, node, (struct pci_place){.slot = slot},
				      PCI_NEEDS_EXPRESS, "on", err)
			    : 0;
	}
	if (node_attr_is(node, "type", "pci") && node_attr_is(node, "model", "dmi-to-pci-bridge"))
		slot = free_slot(set, 0x1e, 0);
	return slot ? place_at(set, node, (struct pci_place){.slot = slot},
			      PCI_NEEDS_DMI_PLACE | PCI_NEEDS_EXPRESS, NULL, err)
		    : 0;
}

static int place_ich9_sound(struct document *document, struct pci_set *set, struct dd_error *err)
{
	if (pci_slot_used(set, 0, 0x1b))
		return 0;
	for (xmlNode *sound = device_first(document, "sound"); sound; sound = node_next(sound))
		if (node_attr_is(sound, "model", "ich9") && address_wanted(sound, "pci"))
			return place_at(set, sound, (struct pci_place){.slot = 0x1b},
				PCI_NEEDS_EXPRESS, NULL, err);
	return 0;
}

static int place_ich9(struct document *document, struct pci_set *set, struct dd_error *err)
{
	int rc = 0;

	for (xmlNode *node = device_first(document, "controller"); node && !rc;
		node = node_next(node))
		rc = place_ich9_controller(set, node, err);
	if (!rc)
		rc = reserve(set, 0x1f, 0, PCI_NEEDS_EXPRESS, document_devices(document), err);
	if (!rc)
		rc = reserve(set, 0x1f, 3, PCI_NEEDS_EXPRESS, document_devices(document), err);
	if (!rc)
		rc = place_video(document, set, 1, err);
	return rc ? rc : place_ich9_sound(document, set, err);
}

int pci_place_chipset(struct document *document, struct pci_set *set, struct dd_error *err)
{
	if (machine_is_i440fx(document))
		return place_piix(document, set, err);
	if (machine_is_q35(document))
		return place_ich9(document, set, err);
	return 0;
}
