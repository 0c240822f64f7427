"""Programs that create, copy, move, delete and change files."""

from approvals.shell.rule import DENY, HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_WRITE, _READ = (Use.WRITE,), (Use.READ,)
_COPY = (
    flag(
        "-r -R -a -f -i -n -p -u -v -l -s -L -P -H -d -x -T --recursive --archive --force --no-clobber"
        " --update --verbose --parents --reflink"
    ),
    takes("-t --target-directory", Use.WRITE, target=True),
    takes("-S --suffix"),
    flag("-b --backup", attached=True),
    flag("--remove-destination"),
)

FILESYSTEM = table(
    programs(
        "mkdir",
        Rule(operands=(Use.MAKE,), options=(flag("-p -v --parents"), takes("-m --mode")), prints="nothing"),
    ),
    programs(
        "touch",
        Rule(
            operands=(Use.MAKE,),
            options=(flag("-a -c -m -h"), takes("-d -r -t --date --reference --time")),
            prints="nothing",
        ),
    ),
    programs("cp gcp", Rule(handler="copy", operands=_READ, last=Use.WRITE, options=_COPY)),
    programs(
        "install ginstall",
        Rule(
            handler="copy",
            operands=_READ,
            last=Use.WRITE,
            options=(
                flag("-b -C -c -D -p -s -v -T -Z"),
                flag("-d --directory"),
                takes("-m -o -g -S --mode --owner --group"),
                takes("-t --target-directory", Use.WRITE, target=True),
                takes("--strip-program", Use.PROGRAM),
            ),
        ),
    ),
    programs(
        "mv gmv",
        Rule(
            operands=(Use.MOVE,),
            last=Use.WRITE,
            options=(
                flag("-f -i -n -u -v -T --force --no-clobber"),
                takes("-t --target-directory", Use.WRITE, target=True),
                takes("-S --suffix"),
                flag("-b --backup", attached=True),
            ),
        ),
    ),
    programs(
        "ln gln",
        Rule(
            operands=(Use.ANY,),
            last=Use.MAKE,
            options=(
                flag("-s -f -i -n -r -v -T -L -P --symbolic --force --relative --no-dereference"),
                takes("-t --target-directory", Use.MAKE, target=True),
            ),
        ),
    ),
    programs("link symlink", Rule(operands=(Use.ANY, Use.MAKE))),
    programs("rename prename", Rule(MEDIUM, "renames files by a pattern", operands=(Use.DATA, Use.MOVE))),
    programs(
        "rm grm",
        Rule(
            handler="rm",
            options=(
                flag(
                    "-f -i -I -r -R -d -v --force --recursive --dir --verbose --one-file-system"
                    " --preserve-root --no-preserve-root --interactive",
                    attached=False,
                ),
                calm("--help --version"),
            ),
        ),
    ),
    programs(
        "rmdir", Rule(operands=(Use.DELETE,), options=(flag("-p -v --parents --ignore-fail-on-non-empty"),))
    ),
    programs("unlink", Rule(operands=(Use.DELETE,))),
    programs("trash trash-put rmtrash", Rule(operands=(Use.DELETE,))),
    programs("rimraf del-cli del", Rule(operands=(Use.DELETE_TREE,))),
    programs(
        "shred srm wipe",
        Rule(
            MEDIUM,
            "destroys files beyond recovery",
            operands=(Use.DELETE_TREE,),
            options=(flag("-f -u -v -z -x"), takes("-n -s --iterations --size --random-source")),
        ),
    ),
    programs(
        "truncate",
        Rule(
            operands=(Use.EMPTY,),
            options=(takes("-s --size"), takes("-r --reference", Use.READ), flag("-c -o --no-create")),
        ),
    ),
    programs(
        "fallocate",
        Rule(
            operands=(Use.WRITE,), options=(takes("-l -o --length --offset"), flag("-c -d -i -n -p -v -x -z"))
        ),
    ),
    programs("chmod", Rule(handler="chmod")),
    programs(
        "chown chgrp lchown",
        Rule(
            handler="chown",
            options=(
                flag("-R -v -f -c -h -H -L -P --recursive"),
                takes("--reference", Use.READ),
                takes("--from"),
            ),
        ),
    ),
    programs(
        "setfacl setfattr",
        Rule(
            operands=(Use.CHANGE_TREE,),
            options=(
                flag("-R -b -k -n -d -h --recursive --remove-all --remove-default"),
                takes("-m -x -n -v --modify --remove --name --value"),
                takes("-M -X --modify-file --remove-file --set-file --restore", Use.READ),
            ),
        ),
    ),
    programs(
        "chattr xattr chcon setcap",
        Rule(
            handler="chown",
            options=(
                flag("-R -b -k -n -d -r --recursive"),
                takes("-m -x -M -X -s -v --set --modify --remove"),
            ),
        ),
    ),
    programs("dd", Rule(handler="dd")),
    programs(
        "tar gtar bsdtar",
        Rule(
            handler="tar",
            options=(
                flag(
                    "-c -x -t -v -z -j -J -a -p -k -m -U -W -h -l -B -O -S -s -i -r -u -A -d --create"
                    " --extract --get --list --verbose --gzip --bzip2 --xz --zstd --auto-compress"
                    " --keep-old-files"
                ),
                flag(
                    "--append --update --delete --diff --compare --same-permissions"
                    " --preserve-permissions --no-same-owner --no-recursion --overwrite --to-stdout"
                    " --wildcards --sort --owner --group --numeric-owner --mtime --totals",
                    attached=True,
                ),
                flag("-P --absolute-names"),
                flag("--remove-files"),
                takes("-f --file"),
                takes("-C --directory"),
                takes("-T --files-from -X --exclude-from", Use.READ),
                takes(
                    "-b -N -V -K -L --exclude --strip-components --transform --xform --format --label"
                    " --checkpoint --warning --one-top-level "
                ),
                takes("--checkpoint-action"),
                takes(
                    "-I --use-compress-program --to-command -F --info-script --new-volume-script"
                    " --rsh-command --rmt-command",
                    Use.PROGRAM,
                    MEDIUM,
                    "runs a program",
                ),
                takes("-g --listed-incremental", Use.WRITE),
                calm("--help --version --usage"),
            ),
        ),
    ),
    programs(
        "zip",
        Rule(
            operands=(Use.WRITE, Use.READ_TREE),
            options=(
                flag("-r -q -v -j -u -f -y -9 -0 -1 -6 -X -D -e -@ -A -F -FF -l -g"),
                flag("-m --move", MEDIUM, "deletes what it packs"),
                flag("-d --delete", MEDIUM, "deletes entries"),
                takes("-x -i -b -P -n -s -t -tt --exclude --include --password"),
                flag("-T --test"),
                takes("-TT --unzip-command", Use.PROGRAM, MEDIUM, "runs a program"),
            ),
        ),
    ),
    programs(
        "unzip",
        Rule(
            operands=(Use.READ, Use.DATA),
            options=(flag("-l -o -n -q -t -v -u -j -p -a -Z -C -L"), takes("-d", Use.WRITE), takes("-x -P")),
        ),
    ),
    programs(
        "gzip bzip2 xz zstd lz4 lzma compress pigz brotli",
        Rule(
            operands=_WRITE,
            options=(
                flag(
                    "-k -d -c -f -v -t -l -r -q -1 -2 -3 -4 -5 -6 -7 -8 -9 -n -N -e -z --keep --stdout"
                    " --best --fast --decompress --test --list --rm"
                ),
                takes("-S -T -o --threads --suffix -M"),
            ),
        ),
    ),
    programs(
        "gunzip bunzip2 unxz unzstd unlz4 uncompress",
        Rule(operands=_WRITE, options=(flag("-k -c -f -v -t -l -r -q --keep --stdout"),)),
    ),
    programs(
        "7z 7za 7zr p7zip",
        Rule(
            posix=True,
            verbs={
                **programs("l t i h", Rule(operands=_READ)),
                **programs("a u", Rule(operands=(Use.WRITE, Use.READ_TREE))),
                **programs("x e", Rule(operands=_READ)),
                **programs("d rn", Rule(MEDIUM, "deletes or renames entries")),
            },
        ),
    ),
    programs("unrar", Rule(operands=(Use.DATA, Use.READ, Use.WRITE))),
    programs("cpio pax", Rule(MEDIUM, "unpacks or packs files by a list")),
    programs("ar ranlib strip objcopy", Rule(operands=(Use.ANY, Use.WRITE, Use.READ))),
    programs(
        "rsync",
        Rule(
            handler="rsync",
            options=(
                flag(
                    "-a -v -z -r -u -l -L -k -K -H -p -E -A -X -o -g -t -O -J -S -P -h -i -c -x -W -q"
                    " -R -d -C -0 -b -I -y -m -F --archive --verbose --compress --recursive --progress"
                    " --partial --stats --delete --delete-after --delete-before --delete-during"
                    " --delete-delay --delete-excluded --inplace --checksum --update --existing"
                    " --ignore-existing --links --mkpath --info --size-only",
                    attached=False,
                ),
                flag("--remove-source-files", MEDIUM, "deletes what it sends"),
                calm("-n --dry-run --list-only --version --help"),
                takes("-e --rsh --rsync-path", Use.PROGRAM, MEDIUM, "runs a program"),
                takes("--password-file --files-from --exclude-from --include-from", Use.READ),
                takes(
                    "-f -B -T -M --exclude --include --filter --bwlimit --timeout --max-size --min-size"
                    " --chmod --chown --port --out-format --compress-level --link-dest --compare-dest"
                    " --copy-dest --partial-dir --suffix --log-file-format --protocol --address"
                ),
                takes("--backup-dir --log-file --temp-dir", Use.WRITE),
            ),
        ),
    ),
    programs(
        "scp",
        Rule(
            handler="scp",
            deploy=True,
            options=(
                flag("-r -p -q -v -C -3 -4 -6 -B -O -T -A -R"),
                takes("-P -l -c -i -J -X -D"),
                takes("-S", Use.PROGRAM, MEDIUM, "runs a program"),
                takes("-o"),
                takes("-F -b", Use.OPAQUE),
            ),
        ),
    ),
    programs(
        "ffmpeg convert magick mogrify sips optipng pngquant jpegoptim cwebp gs qpdf pdftk lame sox",
        Rule(
            words=True,
            operands=(Use.READ, Use.WRITE),
            options=(
                takes("-i -f -c -vf -ss -t -r -b -s -resize -quality", Use.ANY),
                calm("-version --version -h"),
            ),
        ),
    ),
    programs(
        "rclone",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "copies or deletes on remote storage", deploy=True),
            verbs={
                **programs(
                    "ls lsd lsl lsf lsjson size listremotes version about check cat tree md5sum", Rule()
                ),
                **programs(
                    "purge delete deletefile cleanup", Rule(HIGH, "deletes on remote storage", deploy=True)
                ),
                **programs(
                    "sync bisync move",
                    Rule(
                        HIGH,
                        "deletes what the other side does not have",
                        deploy=True,
                        options=(calm("-n --dry-run"),),
                    ),
                ),
                **programs("config authorize", Rule(HIGH, "handles credentials")),
            },
        ),
    ),
    programs(
        "patch",
        Rule(
            operands=(Use.WRITE, Use.READ),
            options=(
                flag("-R -N -E -f -s -t -u -b --reverse --forward"),
                takes("-p -d -r -F -B -z --strip"),
                takes("-i --input", Use.READ),
                takes("-o --output", Use.WRITE),
                calm("--dry-run"),
            ),
        ),
    ),
    programs(
        "ed ex vi vim nvim view nano emacs emacsclient pico micro helix hx joe kak code subl gedit kate"
        " mcedit",
        Rule(
            MEDIUM,
            "edits files",
            options=(
                takes(
                    "-c --cmd -S -s -u -l --eval -e -f --funcall --load +!",
                    None,
                    HIGH,
                    "runs commands of the editor",
                ),
                flag("+:! +!", HIGH, "runs commands of the editor", attached=True),
                flag("-R -n -nw"),
                calm("--version --help --list-extensions"),
            ),
            operands=(Use.WRITE,),
        ),
    ),
    programs(
        "mount umount losetup cryptsetup swapon swapoff lvcreate lvremove vgremove pvremove zpool zfs"
        " btrfs mdadm e2fsck fsck tune2fs resize2fs",
        Rule(
            HIGH,
            "works on file systems and devices",
            bare=Rule(),
            options=(flag("-a -d -D --all --detach --detach-all", HIGH, "works on all of them"),),
        ),
    ),
    programs(
        "mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkswap"
        " wipefs fdisk sfdisk cfdisk gdisk sgdisk parted blkdiscard badblocks hdparm",
        Rule(DENY, "overwrites a device", options=(calm("-l --list --version --help"),), bare=Rule()),
    ),
)
