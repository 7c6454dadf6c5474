#!/bin/bash
# media.sh - encoders, images, archivers: threads, vector code, written as they go
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
NAP_MS=spread

# $1 frames of a moving picture, 320x240, y4m, the same everywhere.
video() {
    LC_ALL=C awk -v n="$1" 'BEGIN { print "YUV4MPEG2 W320 H240 F25:1 Ip A1:1 C420jpeg"
        for (i = 0; i < 256; i++) c[i] = sprintf("%c", i == 0 ? 1 : i)
        for (f = 0; f < n; f++) { printf "FRAME\n"
            for (y = 0; y < 240; y++) { l = ""; for (p = 0; p < 320; p++) l = l c[(p * 3 + y * 2 + f * 5 + int(p * y / (9 + f % 7))) % 256]; printf "%s", l }
            for (y = 0; y < 240; y++) { l = ""; for (p = 0; p < 160; p++) l = l c[(p + y + f * 3) % 256]; printf "%s", l } } }'
}

# $1 seconds of sound, 44.1 kHz, 16 bits, mono, raw.
sound() {
    perl -e '$n = 44100 * shift; $x = 7; for ($i = 0; $i < $n; $i++) { $x = ($x * 16807) % 2147483647;
        $o .= pack("s<", 9000 * sin($i * (0.01 + ($i >> 15) * 0.003)) + $x % 900); } print $o' "$1"
}
wav() { # the same with a header
    perl -e '$n = 88200 * shift; print "RIFF", pack("V", $n + 36), "WAVEfmt ", pack("VvvVVvv", 16, 1, 1, 44100, 88200, 2, 16), "data", pack("V", $n)' "$1"
    sound "$1"
}
text() {
    awk -v n="$1" 'BEGIN { x = 11; for (i = 0; i < n * 60000; i++) {
        x = (x * 16807) % 2147483647; printf "%d %x\n", x % 100000, x } }'
}
picture() { # WIDTH HEIGHT
    perl -e '($w, $h) = @ARGV; print "P6\n$w $h\n255\n"; $x = 7; for $y (0 .. $h - 1) { for $p (0 .. $w - 1) { $x = ($x * 16807) % 2147483647;
        print pack("C3", ($p * $y >> 7) % 256, ($p + $y * 3 + $x % 9) % 256, ($p ^ $y) % 256) } }' "$@"
}

if begin x264 x264; then
    video 250 >in.y4m
    go x264 x264 --quiet --no-progress --threads 2 --preset slow -o out.264 in.y4m
fi
if begin x265 x265; then # a pool of threads
    video 40 >in.y4m
    go x265 x265 --log-level none --pools 2 --preset medium --no-info -o out.265 in.y4m
fi
if begin vpxenc vpxenc; then
    video 50 >in.y4m
    go vpxenc vpxenc --quiet --codec=vp9 --threads=2 --good --cpu-used=3 --ivf -o out.ivf in.y4m
fi
if begin flac flac; then
    sound 60 >in.raw
    go flac flac -s -8 -e -p --force-raw-format --endian=little --sign=signed --channels=1 --bps=16 --sample-rate=44100 -o out.flac in.raw
fi
if begin lame lame; then
    wav 150 >in.wav
    go lame lame -S -q 0 in.wav out.mp3
fi
if begin sox sox; then
    wav 200 >in.wav
    go sox sox -R in.wav out.wav rate -v 96k reverb chorus 0.7 0.9 55 0.4 0.25 2 -t
fi
if begin oggenc oggenc; then
    wav 180 >in.wav
    go oggenc oggenc -Q --serial 5 -q 9 -o out.ogg in.wav
fi
if begin opusenc opusenc; then
    wav 120 >in.wav
    go opusenc opusenc --quiet --serial 5 --comp 10 in.wav out.opus
fi
if begin cjxl cjxl; then
    picture 700 600 >in.ppm
    go cjxl cjxl --quiet --num_threads=2 -d 1 -e 8 in.ppm out.jxl
fi
if begin cwebp cwebp; then
    picture 1200 900 >in.ppm
    go cwebp cwebp -quiet -mt -lossless -z 8 in.ppm -o out.webp
fi
if begin imagemagick convert-im6.q16; then # OpenMP
    picture 1600 1200 >in.ppm
    go imagemagick convert-im6.q16 -limit thread 2 in.ppm -swirl 90 -blur 0x12 -charcoal 3 +repage -strip out.ppm
fi
if begin graphicsmagick gm; then
    picture 900 700 >in.ppm
    go graphicsmagick gm convert in.ppm -blur 0x9 -swirl 70 -despeckle -median 4 out.ppm
fi
if begin espeak-ng espeak-ng; then
    text 1 | head -1500 | cut -d' ' -f1 >in.txt
    go espeak-ng espeak-ng -f in.txt -w out.wav
fi
if begin pigz pigz; then # threads that come and go
    text 12 >data
    go pigz pigz -k -11 -I 3 -p 2 data
fi
if begin pbzip2 pbzip2; then
    text 20 >data
    go pbzip2 pbzip2 -q -k -p2 data
fi
if begin lbzip2 lbzip2; then
    text 25 >data
    go lbzip2 lbzip2 -k -n 2 data
fi
if begin brotli brotli; then
    text 3 >data
    go brotli brotli -k -q 11 data
fi
if begin 7zz 7zz; then
    text 8 >data
    touch -d 2020-01-01 data
    FILTER='s/.*//' go 7zz 7zz a -bd -mmt2 -mx9 out.7z data
fi
if begin zpaq zpaq; then
    text 5 >data
    touch -d 2020-01-01 data
    FILTER='s/.*//' go zpaq zpaq add out.zpaq data -m4 -t2 -until 20200102
fi
if begin zopfli zopfli; then
    text 1 >data
    go zopfli zopfli --i12 data
fi
if begin lrzip lrzip; then
    text 12 >data
    FILTER='s/.*//' go lrzip lrzip -q -p 2 data
fi
report
