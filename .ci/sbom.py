#!/usr/bin/env python3
"""Writes the bill of materials of the program as CycloneDX 1.5 (JSON): every crate that is built into it, with its licence,
its digest as Cargo.lock has it, and what depends on what. The same sources give the same bytes.

    .ci/sbom.py [FILE]      [default: target/sbom.cdx.json]
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tomllib
import uuid

TOP = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = "suishoupai-api"


def metadata() -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE)
    if done.returncode != 0:
        # Where nothing has been fetched yet.
        command.remove("--offline")
        done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def built_in(nodes: dict, root: str) -> dict:
    """The packages that the program is built of, each with those it depends on; what only tests need is left out."""
    seen, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in seen:
            continue
        used = [
            dep["pkg"]
            for dep in nodes[package]["deps"]
            if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"])
        ]
        seen[package] = used
        waiting.extend(used)
    return seen


def purl(package: dict) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package: dict, checksums: dict) -> dict:
    found = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
        "scope": "required",
    }
    if package.get("description"):
        found["description"] = " ".join(package["description"].split())
    if package.get("license"):
        # Cargo once wrote alternatives with a slash, which is no SPDX expression.
        found["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package.get("repository"):
        found["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return found


def bill() -> dict:
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    root = next(id for id, package in packages.items() if package["name"] == PROGRAM)
    lock = (TOP / "Cargo.lock").read_bytes()
    locked = tomllib.loads(lock.decode())["package"]
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in locked}
    used = built_in(nodes, root)
    others = sorted((packages[id] for id in used if id != root), key=purl)
    program = component(packages[root], checksums) | {"type": "application"}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(lock).hexdigest())
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": program},
        "components": [component(package, checksums) for package in others],
        "dependencies": sorted(
            (
                {"ref": purl(packages[id]), "dependsOn": sorted({purl(packages[dep]) for dep in deps})}
                for id, deps in used.items()
            ),
            key=lambda one: one["ref"],
        ),
    }


def check(found: dict) -> None:
    """What a reader of the format relies on."""
    refs = [one["bom-ref"] for one in found["components"]] + [found["metadata"]["component"]["bom-ref"]]
    assert len(refs) == len(set(refs)), "a component stands there twice"
    named = {ref for one in found["dependencies"] for ref in [one["ref"], *one["dependsOn"]]}
    assert named <= set(refs), f"no component: {named - set(refs)}"
    foreign = [one for one in found["components"] if not one["name"].startswith("suishoupai-")]
    assert len(foreign) > 100, "the program has more parts than that"
    for one in foreign:
        assert one.get("hashes") and one.get("licenses"), f"no digest or licence: {one['purl']}"


def main() -> None:
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TOP / "target" / "sbom.cdx.json"
    found = bill()
    check(found)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    print(f"{out}: {len(found['components'])} components")


main()
