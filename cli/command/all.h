/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMAND_ALL_H
#define CLI_COMMAND_ALL_H

/* The row of every command, each defined in the file of its name (lifecycle and edits share). */

#include "cli/command.h"

extern const struct command command_freeze;
extern const struct command command_validate;
extern const struct command command_define;
extern const struct command command_evacuate;
extern const struct command command_job_abort;
extern const struct command command_migrate;
extern const struct command command_import;
extern const struct command command_apply;
extern const struct command command_undefine;
extern const struct command command_rename;
extern const struct command command_desc;
extern const struct command command_metadata;
extern const struct command command_autostart;
extern const struct command command_list;
extern const struct command command_dominfo;
extern const struct command command_domstate;
extern const struct command command_dumpxml;
extern const struct command command_jobs;
extern const struct command command_who_uses;
extern const struct command command_start;
extern const struct command command_shutdown;
extern const struct command command_reboot;
extern const struct command command_suspend;
extern const struct command command_resume;
extern const struct command command_destroy;
extern const struct command command_attach_device;
extern const struct command command_detach_device;
extern const struct command command_update_device;
extern const struct command command_set_memory;
extern const struct command command_set_vcpus;
extern const struct command command_log;
extern const struct command command_show;
extern const struct command command_tag;
extern const struct command command_diff;
extern const struct command command_blame;
extern const struct command command_abi_check;
extern const struct command command_rollback;
extern const struct command command_upgrade;
extern const struct command command_advise;
extern const struct command command_check;
extern const struct command command_verify;
extern const struct command command_report;
extern const struct command command_capabilities;
extern const struct command command_sync;
extern const struct command command_remote;
extern const struct command command_push;
extern const struct command command_pull;
extern const struct command command_identity;
extern const struct command command_peer;
extern const struct command command_config;
extern const struct command command_key;
extern const struct command command_gc;
extern const struct command command_backup;
extern const struct command command_restore;
extern const struct command command_reindex;
extern const struct command command_help;
extern const struct command command_version;
extern const struct command command_completion;
extern const struct command command_manual;

#endif
