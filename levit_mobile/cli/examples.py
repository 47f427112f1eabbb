"""Examples for the end of each command's --help; tests parse every one."""

from __future__ import annotations

from inspect import cleandoc

EXAMPLES: dict[str, tuple[str, ...]] = {
    "convert": (
        "levit-mobile convert --target coreml",
        "levit-mobile convert --target all --precision int8 --out build",
        "levit-mobile convert -t coreml,tflite -c LeViT-256.pth --labels imagenet.txt",
        "levit-mobile convert -t all -c LeViT-256.pth --dry-run",
        "levit-mobile convert -t tflite -p int8 -c LeViT-256.pth --calibration train/",
    ),
    "predict": (
        "levit-mobile predict build/levit_128s-tflite-fp32 photo.jpg",
        "levit-mobile predict build/levit_128s-tflite-fp32 photos/ --top 1 --skip-broken --json",
    ),
    "validate": (
        "levit-mobile validate build/",
        "levit-mobile validate build/ --images val/ --truth folders",
        "levit-mobile validate build/ --drill --html parity.html",
        "levit-mobile validate build/ --strict --github --junit parity.xml",
    ),
    "inspect": (
        "levit-mobile inspect build/levit_128s-tflite-int8 vendor.pte",
        "levit-mobile inspect --diff old.tflite new.tflite",
    ),
    "bench": (
        "levit-mobile bench build/ --against vendor.tflite --out bench.json",
        "levit-mobile bench build/ --baseline bench.json --max-slowdown 1.10",
        "levit-mobile bench build/levit_128s-tflite-int8 --profile",
    ),
    "report": (
        "levit-mobile report build/",
        "levit-mobile report release/ --out levit.html --json",
    ),
    "deploy": (
        "levit-mobile deploy build/levit_128s-tflite-int8 --to android_demo",
        "levit-mobile deploy build/ --to app/src/main/assets --runtime executorch=1.4.1",
        "levit-mobile deploy build/ --to android_demo --check",
    ),
    "device": (
        "levit-mobile device android build/levit_128s-tflite-int8 --apk app-release.apk",
        "levit-mobile device android build/ --accelerator cpu --accelerator gpu --threads 1 --threads 4",
        "levit-mobile device android --plan plan.json --serial R58M123ABC --out phone.json",
    ),
    "recipes": (
        "levit-mobile recipes",
        "levit-mobile recipes --target tflite --json",
    ),
    "cost": (
        "levit-mobile cost build/levit_128s-tflite-int8 --cpu cortex-a76,i8mm",
        "levit-mobile cost build/ --write-baseline cost.json",
        "levit-mobile cost build/ --baseline cost.json --max-growth 1%",
    ),
    "plan": (
        "levit-mobile plan -t tflite -c LeViT-256.pth --calibration train/ -o plan.json",
        "levit-mobile convert -t tflite -p int8 -c LeViT-256.pth --plan plan.json",
    ),
    "setup": ("levit-mobile setup arm64",),
    "doctor": ("levit-mobile doctor",),
}


def epilog(command: str) -> str:
    """The examples of a command, one per line, for typer to print after its options."""
    return "Examples:\n\n" + "\n".join(EXAMPLES[command])


def paragraphs(docstring: str) -> str:
    """A docstring with one line per paragraph: typer prints line breaks as they are, and terminals differ in width."""
    return "\n\n".join(" ".join(part.split()) for part in cleandoc(docstring).split("\n\n"))
