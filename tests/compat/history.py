# SPDX-License-Identifier: Apache-2.0
"""What the baseline promised against what there is now."""


def version(text):
    return tuple(map(int, text.split(".")))


def check_history(s):
    return compare_manifests(s) + compare_headers(s) + compare_versions(s)


def compare_manifests(s):
    problems = []
    now = s.manifest.kinds()
    for kind, old_entries in s.old_manifest.kinds().items():
        for name, old in old_entries.items():
            if old.get("experimental"):
                continue
            new = now[kind].get(name)
            if new is None:
                problems.append(f"{kind} {name} is gone from the manifest")
            elif new.get("experimental"):
                problems.append(f"{kind} {name} was promised and is now experimental")
            elif new["since"] != old["since"]:
                problems.append(f"{kind} {name} was there since {old['since']}, not {new['since']}")
            elif new.get("value") != old.get("value"):
                problems.append(f"{kind} {name} was {old['value']} and is now {new['value']}")
            elif kind == "struct" and new["sizes_64bit"][: len(old["sizes_64bit"])] != old["sizes_64bit"]:
                problems.append(f"struct {name}: sizes may be added to {old['sizes_64bit']}, not changed")
    return problems


def compare_headers(s):
    old, new = s.old_headers, s.headers
    files = old.experimental_files(s.old_manifest)
    unpromised = s.old_manifest.experimental()
    for homes in (old.symbols, old.constants, old.homes):
        unpromised |= {name for name, file in homes.items() if file in files}
    problems = []
    for what, before, after in [("function", old.prototypes, new.prototypes), ("type", old.typedefs, new.typedefs)]:
        for name in sorted(set(before) - unpromised):
            if name not in after:
                problems.append(f"{what} {name} is not declared any more")
            elif before[name] != after[name]:
                problems.append(f"{what} {name} was\n    {before[name]}\n  and is\n    {after[name]}")
    old_constants, old_sizes, old_fields = old.layout(s.cc)
    constants, sizes, fields = new.layout(s.cc)
    for name, value in old_constants.items():
        if name not in unpromised and constants.get(name) != value:
            problems.append(f"{name} was {value} and is {constants.get(name, 'gone')}")
    for name, size in old_sizes.items():
        if name in unpromised:
            continue
        grows = old.structs[name][0] == "struct_size"
        if name in sizes and not grows and sizes[name] != size:
            problems.append(f"{name} has no struct_size and may never grow, but has {sizes[name]} bytes, not {size}")
        for field in set(new.structs.get(name, [])) - set(old.structs[name]):
            if fields[f"{name}.{field}"][0] < size:
                problems.append(f"{name}.{field} is new, but lies within the {size} bytes that the struct had")
        for field in old.structs[name]:
            before, after = old_fields[f"{name}.{field}"], fields.get(f"{name}.{field}")
            if after is None:
                problems.append(f"{name}.{field} is gone")
            elif after != before:
                problems.append(
                    f"{name}.{field} was at byte {before[0]} with {before[1]} bytes, is at {after[0]} with {after[1]}"
                )
    return problems


def compare_versions(s):
    """Once the baseline is a release, what is added is added by a later version."""
    problems = []
    old_version, new_version = version(s.old_about["version"]), s.headers.version()
    if new_version < old_version:
        problems.append(f"HOB_ABI_VERSION is {new_version}, older than the baseline's {old_version}")
    if new_version[0] != old_version[0]:
        problems.append("a new major version begins with a baseline of its own: ./dev abi --renew --break")
    if not s.old_about["released"]:
        return problems
    now = f"{new_version[0]}.{new_version[1]}"
    for kind, entries in s.manifest.kinds().items():
        before = s.old_manifest.kinds()[kind]
        for name, entry in entries.items():
            if name not in before and version(entry["since"]) <= old_version:
                problems.append(
                    f"{kind} {name} is new, so its version is {now} (raise HOB_ABI_VERSION_MINOR), not {entry['since']}"
                )
            if kind == "struct" and name in before and len(entry["sizes_64bit"]) > len(before[name]["sizes_64bit"]):
                since = entry.get("sizes_since", [entry["since"]])
                if version(since[-1]) <= old_version:
                    problems.append(
                        f"struct {name} has grown: sizes_since has to end with {now} (raise HOB_ABI_VERSION_MINOR)"
                    )
    return problems
