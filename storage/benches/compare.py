#!/usr/bin/env python3
"""Compares the renditions of this project with those of libvips and sharp: processor time, size, likeness.

    compare.py --ours NAME=PROGRAM [--ours NAME=PROGRAM...] [--sharp FOLDER] [--rounds 11] [--threads 1] FILE...

Every program is a process that is told the name of a file, makes a display rendition (longest side 2048, quality 80) and
a thumbnail (320, quality 75), upright and without metadata, and answers. Rounds are interleaved, so that what else the
machine does falls on all alike; medians are printed, and the ratio to libvips. PROGRAM is the built bench `renditions`.
sharp is measured where FOLDER holds `node_modules/sharp`. Likeness is SSIM of brightness and PSNR against the picture
made smaller by Lanczos3 in floating point. Needs: pip install pyvips pyvips-binary numpy pillow.
"""
import argparse
import atexit
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

VIPS = r"""
import sys, os
import pyvips
pyvips.cache_set_max(0)
folder = sys.argv[1]
threads = sys.argv[2]
for line in sys.stdin:
    path = line.strip()
    data = open(path, 'rb').read()
    # To be told of a profile costs libvips a conversion in any case, so only pictures that have one are converted.
    profile = pyvips.Image.new_from_buffer(data, '').get_typeof('icc-profile-data')
    options = {'output_profile': 'srgb'} if profile else {}
    big = pyvips.Image.thumbnail_buffer(data, 2048, height=2048, size='down', **options).copy_memory()
    display = big.jpegsave_buffer(Q=80, keep='none')
    small = big.thumbnail_image(320, height=320, size='down')
    thumbnail = small.jpegsave_buffer(Q=75, keep='none')
    name = os.path.splitext(os.path.basename(path))[0]
    open(f'{folder}/{name}.display.jpg', 'wb').write(display)
    print(big.width, big.height, len(display), flush=True)
"""
SHARP = r"""
const sharp = require('sharp'); const fs = require('fs'); const path = require('path');
sharp.cache(false); sharp.concurrency(Number(process.argv[2]));
const lines = require('readline').createInterface({ input: process.stdin });
(async () => { for await (const line of lines) {
  const data = fs.readFileSync(line.trim());
  const big = await sharp(data).rotate().resize(2048, 2048, { fit: 'inside', withoutEnlargement: true })
    .raw().toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: big.info.width, height: big.info.height, channels: big.info.channels } };
  const display = await sharp(big.data, raw).jpeg({ quality: 80, optimiseCoding: false }).toBuffer();
  await sharp(big.data, raw).resize(320, 320, { fit: 'inside' }).jpeg({ quality: 75, optimiseCoding: false }).toBuffer();
  const name = path.parse(line.trim()).name;
  fs.writeFileSync(path.join(process.argv[1], name + '.display.jpg'), display);
  console.log(big.info.width, big.info.height, display.length);
} })();
"""


class Worker:
    def __init__(self, name, command, cores, **environment):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="renditions-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        command = [part.replace("{folder}", self.folder) for part in command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
            preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def cpu(self):
        """Milliseconds of processor time of all threads that live."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e6

    def peak(self):
        """The most memory that was resident, MiB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def once(self, path):
        before = self.cpu()
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) < 3 or not answer[0].isdigit():
            sys.exit(f"{self.name}: {path}: {' '.join(answer) or 'ended'}")
        return self.cpu() - before, answer


def likeness(original, rendition):
    """SSIM of brightness (8 x 8 windows, step 4) and PSNR, against Lanczos3 in floating point at the same size."""
    import numpy
    from PIL import Image, ImageOps
    Image.MAX_IMAGE_PIXELS = None
    made = Image.open(rendition).convert("L")
    brightness = ImageOps.exif_transpose(Image.open(original)).convert("RGB").convert("L").convert("F")
    a = numpy.asarray(brightness.resize(made.size, Image.LANCZOS), dtype=numpy.float64)
    b = numpy.asarray(made, dtype=numpy.float64)
    def windows(x):
        sums = numpy.pad(x, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
        return (sums[8::4, 8::4] - sums[:-8:4, 8::4] - sums[8::4, :-8:4] + sums[:-8:4, :-8:4]) / 64
    ma, mb = windows(a), windows(b)
    va, vb, cov = windows(a * a) - ma * ma, windows(b * b) - mb * mb, windows(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    ssim = ((2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))).mean()
    return ssim, 10 * numpy.log10(255 ** 2 / ((a - b) ** 2).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", action="append", required=True, metavar="NAME=PROGRAM")
    parser.add_argument("--sharp", metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1, help="cores that each program may use")
    parser.add_argument("--likeness", action="store_true")
    parser.add_argument("files", nargs="+")
    chosen = parser.parse_args()
    cores = set(range(chosen.threads))

    def start():
        workers = [Worker(name, [program, "{folder}"], cores) for name, program in
                   (ours.split("=", 1) for ours in chosen.ours)]
        threads = str(chosen.threads)
        workers.append(Worker("libvips", [sys.executable, "-c", VIPS, "{folder}", threads], cores,
                              VIPS_CONCURRENCY=threads))
        if chosen.sharp:
            workers.append(Worker("sharp", ["node", "-e", SHARP, "{folder}", threads], cores,
                                  NODE_PATH=os.path.join(chosen.sharp, "node_modules")))
        return workers

    for path in chosen.files:
        # Processes of their own for each file, so that the peak of memory is that of the file.
        workers = start()
        times = {worker.name: [] for worker in workers}
        answers = {}
        for number in range(chosen.rounds + 1):
            for worker in workers:
                took, answers[worker.name] = worker.once(path)
                if number:
                    times[worker.name].append(took)
        reference = statistics.median(times["libvips"])
        for worker in workers:
            median = statistics.median(times[worker.name])
            width, height, size = answers[worker.name][:3]
            line = {"file": os.path.basename(path), "who": worker.name, "cpu_ms": round(median, 1),
                    "to_libvips": round(median / reference, 2), "size": f"{width}x{height}",
                    "kib": int(size) // 1024, "peak_mib": round(worker.peak())}
            if chosen.likeness:
                name = os.path.splitext(os.path.basename(path))[0]
                ssim, psnr = likeness(path, f"{worker.folder}/{name}.display.jpg")
                line |= {"ssim": round(ssim, 4), "psnr": round(psnr, 2)}
            print(json.dumps(line), flush=True)
        for worker in workers:
            worker.process.stdin.close()
            worker.process.wait()


main()
