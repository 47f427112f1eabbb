"""`python -m levit_mobile`: the same as the `levit-mobile` command."""

from levit_mobile.cli import main

if __name__ == "__main__":
    main()
