#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""The CPU is decided once: host-model by name, and what cannot be named by remembering it."""

import contextlib
import json
import re
import subprocess

from definition import UUID, change_cache, domain, parse, spare_ports
from guest import Guest
from harness import check, contains, equal, main, test

QEMU = '/usr/bin/qemu-system-x86_64'
HOST_MODEL = "<cpu mode='host-model'/>"
PASSED = "<cpu mode='host-passthrough'/>"
STATES = {'require': True, 'force': True, 'disable': False, 'forbid': False}


@contextlib.contextmanager
def qemu():
    """A QEMU without a machine, to ask."""
    command = [QEMU, '-S', '-nodefaults', '-nographic', '-machine', 'none,accel=tcg',
               '-qmp', 'stdio']
    with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        def ask(name, **arguments):
            json.dump({'execute': name, 'arguments': arguments}, process.stdin)
            process.stdin.write('\n')
            process.stdin.flush()
            while True:
                answer = json.loads(process.stdout.readline())
                if 'return' in answer or 'error' in answer:
                    return answer
        process.stdout.readline()
        ask('qmp_capabilities')
        try:
            yield ask
        finally:
            process.kill()


def expansion(ask, name, props=None):
    model = {'name': name, **({'props': props} if props else {})}
    answer = ask('query-cpu-model-expansion', type='static', model=model)
    return answer['return']['model']['props']


def cpu_of(xml):
    return parse(xml).find('cpu')


def policies(cpu):
    return {row.get('name'): row.get('policy') for row in cpu.findall('feature')}


def with_cpu(cpu, name='a', **options):
    return domain(name, uuid=UUID, more=cpu, **options)


def seen(props):
    """What a guest sees of an expansion, save for what goes with the model's name."""
    return {name for name, value in props.items() if value is True}


@test('pc', 'q35')
def host_model__is_what_qemu_makes_of_its_maximum(book, machine):
    cpu = cpu_of(book.ok('freeze', '-', stdin=with_cpu(HOST_MODEL, machine=machine)).out)
    equal((cpu.get('mode'), cpu.get('match'), cpu.get('check')), ('custom', 'exact', 'full'))
    props = {name: STATES[policy] for name, policy in policies(cpu).items()}
    with qemu() as ask:
        wanted, found = expansion(ask, 'max'), expansion(ask, cpu.find('model').text, props)
    equal(seen(found), seen(wanted))
    equal(found['vendor'], wanted['vendor'])


@test()
def host_model__takes_the_model_that_needs_fewest_words(book):
    cpu = cpu_of(book.ok('freeze', '-', stdin=with_cpu(HOST_MODEL)).out)
    with qemu() as ask:
        wanted = expansion(ask, 'max')
        fewest = {}
        for entry in ask('query-cpu-definitions')['return']:
            if 'alias-of' in entry or entry['name'] in ('max', 'host', 'base'):
                continue
            props = expansion(ask, entry['name'])
            if props['vendor'] == wanted['vendor']:
                fewest[entry['name']] = len(seen(props) ^ seen(wanted))
    name = cpu.find('model').text
    check(re.search(r'-v\d+$', name), name)
    equal(fewest[name], min(fewest.values()), fewest)


@test()
def host_model__starts_with_the_features_of_the_maximum(book):
    found = {}
    for name, cpu in (('named', HOST_MODEL), ('most', "<cpu mode='maximum'/>")):
        guest = Guest(book, name, more=cpu).start()
        with guest.qmp() as monitor:
            words = monitor.call('qom-get', path='/machine/unattached/device[0]',
                                 property='feature-words')
        found[name] = sorted(json.dumps(word, sort_keys=True) for word in words)
        guest.destroy()
    equal(found['named'], found['most'])


@test()
def host_model__says_first_what_the_definition_says(book):
    given = """<cpu mode='host-model'><feature policy='disable' name='avx2'/>
        <feature policy='optional' name='vmx'/><feature policy='optional' name='aes'/>
        <topology sockets='1' cores='1' threads='1'/></cpu>"""
    cpu = cpu_of(book.ok('freeze', '-', stdin=with_cpu(given)).out)
    rows = policies(cpu)
    equal((rows['avx2'], rows['vmx'], rows['aes']), ('disable', 'disable', 'require'))
    equal(cpu.find('topology').get('cores'), '1')
    given = "<cpu mode='host-model'><feature policy='require' name='vmx'/></cpu>"
    book.refuse('freeze', '-', stdin=with_cpu(given), code='unsupported', says=("'vmx'", 'feature'),
                lines=None)


@test()
def host_model__frozen_is_a_fixed_point(book):
    once = book.ok('freeze', '-', stdin=with_cpu(HOST_MODEL)).out
    equal(book.ok('freeze', '-', stdin=once).out, once)
    kept = book.ok('freeze', '-', '--host-model=keep', stdin=with_cpu(HOST_MODEL)).out
    equal(cpu_of(kept).get('mode'), 'host-model')


@test()
def host_model__defined_again_is_the_same_domain(book):
    given = with_cpu(HOST_MODEL)
    book.define(given)
    record = book.dumpxml('a')
    equal(cpu_of(record).get('mode'), 'custom')
    answer = book.json('define', '-', stdin=given)
    equal(answer['changed'], False)
    other = with_cpu("<cpu mode='host-model'><feature policy='disable' name='aes'/></cpu>")
    book.refuse('define', '-', stdin=other, code='exists', says='differs', lines=None)
    equal(book.dumpxml('a'), record)


@test()
def host_model__kept_floats_and_is_decided_at_each_start(book):
    book.ok('define', '-', '--host-model=keep', stdin=with_cpu(HOST_MODEL))
    record = book.dumpxml('a')
    equal(cpu_of(record).get('mode'), 'host-model')
    book.ok('start', '--paused', 'a')
    live = cpu_of(book.ok('dumpxml', 'a', '--live').out)
    equal((live.get('mode'), live.get('check')), ('custom', 'full'))
    book.ok('check', 'a')
    book.ok('destroy', 'a')
    equal(book.dumpxml('a'), record)


@test('pc', 'q35')
def host_model__kept_goes_back_on_a_running_guest(book, machine):
    text = domain('a', *spare_ports(machine), machine=machine, more=HOST_MODEL)
    book.define(text, '--host-model=keep')
    book.ok('start', 'a')
    running = cpu_of(book.dumpxml('a', '--live')).find('model').text
    book.ok('set-memory', 'a', '96M', '--config')
    book.ok('desc', 'a', '--title', 'words')
    book.ok('rollback', 'a', '1')
    equal(cpu_of(book.dumpxml('a')).get('mode'), 'host-model')
    equal(cpu_of(book.dumpxml('a', '--live')).find('model').text, running)
    book.ok('check', 'a')


@test()
def host_model__of_a_kvm_domain_is_refused_where_kvm_says_nothing(book):
    saved = book.json('capabilities')
    saved['accelerators'].pop('kvm', None)
    path = book.file('caps.json', json.dumps(saved))
    given = with_cpu(HOST_MODEL).replace("type='qemu'", "type='kvm'")
    result = book.refuse('freeze', '-', '--capabilities', path, stdin=given, code='unsupported',
                         says='--host-model=keep', lines=None)
    contains(result.err, '/domain/cpu')


@test()
def host_model__of_a_kvm_domain_is_that_of_kvm(book):
    saved = book.json('capabilities')
    models = saved['accelerators']['tcg']['models']
    host = dict(next(model for model in models if model['name'] == 'EPYC-Milan-v1'))
    host['name'] = 'host'
    host['features'] = ' '.join(sorted(set(host['features'].split()) - {'aes'} | {'vaes'}))
    saved['accelerators']['kvm'] = {'host': host, 'models': models}
    path = book.file('caps.json', json.dumps(saved))
    given = with_cpu(HOST_MODEL).replace("type='qemu'", "type='kvm'")
    cpu = cpu_of(book.ok('freeze', '-', '--capabilities', path, stdin=given).out)
    equal(cpu.find('model').text, 'EPYC-Milan-v1')
    equal(policies(cpu), {'aes': 'disable', 'vaes': 'require'})


def recorded_cpu(book):
    book.ok('sync')
    return json.loads(book.git('show', f'domains/{UUID}:cpu.json').out)


@test('host-passthrough', 'maximum')
def passed__cpu_is_recorded_at_creation(book, mode):
    book.define(with_cpu(f"<cpu mode='{mode}'/>"))
    recorded = recorded_cpu(book)
    equal((recorded['accelerator'], recorded['name']), ('tcg', 'max'))
    check('sse2' in recorded['features'], recorded)
    book.ok('desc', 'a', 'kept')
    equal(recorded_cpu(book), recorded)


@test()
def passed__start_on_another_cpu_is_refused_until_accepted(book):
    book.define(with_cpu(PASSED))
    book.ok('start', '--paused', 'a')
    book.ok('destroy', 'a')
    change_cache(book, lambda host: host.update(
        family=6, features=' '.join(sorted(set(host['features'].split()) - {'aes'} | {'xyz'}))))
    with book.unchanged():
        result = book.refuse('start', 'a', code='refused', lines=None,
                             says=('family 6 instead of 15', 'without aes', 'with xyz'))
        contains(result.err, '--accept-cpu')
    version = book.json('dominfo', 'a')['version']
    book.ok('start', '--paused', '--accept-cpu', 'a')
    equal(book.json('dominfo', 'a')['version'], version + 1)
    equal(book.json('log', 'a')[0]['subject'], 'start, on another CPU')
    book.ok('destroy', 'a')
    book.ok('start', '--paused', 'a')


if __name__ == '__main__':
    main()
