#!/bin/bash
# biology.sh - sequences and trees: threads, mapped indexes, temporary files
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
. "$top_srcdir/tests/real/real.sh"
NAP_MS=spread

# $1 sequences of $2 letters out of $3, the same everywhere; later ones are
# like earlier ones, with a letter in 20 changed: one family for alignments.
family() {
    awk -v n="$1" -v len="$2" -v letters="$3" '
        function r(m) { x = (x * 16807) % 2147483647; return int(x / 8) % m }
        BEGIN { x = 11; k = length(letters)
        for (i = 0; i < n; i++) { printf ">s%d\n", i; from = i - 1 - r(4); line = ""
            for (j = 0; j < len; j++) { if (i == 0 || r(20) == 0) s[i, j] = substr(letters, r(k) + 1, 1)
                else s[i, j] = s[from < 0 ? 0 : from, j]; line = line s[i, j] }
            print line } }'
}
dna=ACGT protein=ACDEFGHIKLMNPQRSTVWY

# $1 reads of 100 letters from the genome in the file ref.fa.
reads() {
    awk -v n="$1" '!/^>/ { g = g $0 } END { x = 5; q = sprintf("%100s", ""); gsub(/ /, "I", q)
        for (i = 0; i < n; i++) { x = (x * 16807) % 2147483647; p = int(x / 8) % (length(g) - 100) + 1
            s = substr(g, p, 100); x = (x * 16807) % 2147483647; m = int(x / 8) % 90 + 1
            printf "@r%d\n%s%s%s\n+\n%s\n", i, substr(s, 1, m), substr("ACGT", x % 4 + 1, 1), substr(s, m + 2), q } }' ref.fa
}

if begin bwa bwa; then # threads
    family 1 1500000 $dna >ref.fa
    bwa index ref.fa 2>/dev/null
    reads 120000 >reads.fq
    go bwa bwa mem -t 2 ref.fa reads.fq
fi
if begin bowtie2 bowtie2-align-s bowtie2-build-s; then
    family 1 1000000 $dna >ref.fa
    bowtie2-build-s -q ref.fa ref
    reads 60000 >reads.fq
    go bowtie2 bowtie2-align-s -p 2 --reorder -x ref -U reads.fq -S out.sam
fi
if begin bowtie2-mapped bowtie2-align-s bowtie2-build-s; then # index through mmap
    family 1 1000000 $dna >ref.fa
    bowtie2-build-s -q ref.fa ref
    reads 60000 >reads.fq
    go bowtie2-mapped bowtie2-align-s --mm -x ref -U reads.fq -S out.sam
fi
if begin bowtie2-build bowtie2-build-s; then
    family 1 3000000 $dna >ref.fa
    go bowtie2-build bowtie2-build-s -q --threads 2 ref.fa ref
fi
if begin samtools samtools; then # temporary files come and go
    family 1 400000 $dna >ref.fa
    { printf '@SQ\tSN:s0\tLN:400000\n'
        reads 300000 | awk 'NR % 4 == 1 { n = substr($1, 2) } NR % 4 == 2 { x = (x * 7919 + 13) % 399900
            printf "%s\t0\ts0\t%d\t60\t100M\t*\t0\t0\t%s\t*\n", n, x + 1, $1 }'; } >in.sam
    ONLY_EXIT=1 go samtools samtools sort --no-PG -@ 2 -m 8M -T tmp -o out.bam in.sam
fi
if begin phmmer phmmer; then
    family 1 300 $protein >query.fa
    family 9000 300 $protein >db.fa
    FILTER='/^# CPU time/d; /^# Mc.sec/d' go phmmer phmmer --max --cpu 2 query.fa db.fa
fi
if begin blastp blastp makeblastdb; then # a database in memory-mapped files
    family 8000 300 $protein >db.fa
    family 60 300 $protein >query.fa
    makeblastdb -dbtype prot -in db.fa -out db >/dev/null
    go blastp blastp -num_threads 2 -db db -query query.fa -evalue 1e-5 -outfmt 6 -out out.txt
fi
if begin muscle muscle; then # OpenMP
    family 36 260 $protein >in.fa
    go muscle muscle -threads 2 -align in.fa -output out.fa
fi
if begin fasttree fasttreeMP; then
    family 420 700 $dna >in.fa
    go fasttree fasttreeMP -nt -gtr -seed 3 -quiet in.fa
fi
if begin raxml raxmlHPC-PTHREADS; then # threads that spin, files opened anew for each line
    family 12 400 $dna >in.fa
    FILTER='/[Tt]ime/d; /[0-9] seconds/d; s,/[^ ]*/,,' IGNORE='RAxML_[il]*' \
        ONLY_EXIT=1 go raxml raxmlHPC-PTHREADS -T 2 -m GTRGAMMA -p 1 -s in.fa -n x
fi
if begin clustalo clustalo; then
    family 260 330 $protein >in.fa
    go clustalo clustalo --threads=2 -i in.fa -o out.fa
fi
if begin mrbayes mb; then
    { echo '#NEXUS'; echo 'begin data; dimensions ntax=14 nchar=600; format datatype=dna; matrix'
        family 14 600 $dna | paste - - | tr -d '>'
        echo '; end; begin mrbayes; set autoclose=yes nowarn=yes seed=3 swapseed=5; lset nst=6 rates=gamma;'
        echo 'mcmc ngen=24000 samplefreq=100 printfreq=4000 diagnfreq=6000; sumt; end;'; } >in.nex
    FILTER='/[Tt]ime/d; /seconds/d; s/ -- [0-9:]*$//; /Seed (for/d; /stamp/d' IGNORE='in.nex.*' go mrbayes mb in.nex
fi
if begin phyml phyml; then
    { echo ' 60 1200'; family 60 1200 $dna | paste - - | tr -d '>' | sed 's/\t/  /'; } >in.phy
    FILTER='/[Tt]ime/d; /[0-9]h[0-9]*m/d; s/[0-9]* sec//; s/([^)]*sec)//' IGNORE='*stats*' \
        go phyml phyml -i in.phy --r_seed 3 --no_memory_check
fi
if begin iqtree iqtree2; then # OpenMP, a checkpoint file of its own
    family 10 400 $dna >in.fa
    FILTER='s/.*//' IGNORE='in.fa.[lic]*' ONLY_EXIT=1 go iqtree iqtree2 -s in.fa -m GTR+G -seed 7 -nt 2 -redo
fi
if begin minimap2 minimap2; then
    family 1 1500000 $dna >ref.fa
    reads 250000 >reads.fq
    go minimap2 minimap2 -t 2 -a -x sr ref.fa reads.fq
fi
if begin vsearch vsearch; then
    family 2600 600 $dna >in.fa
    go vsearch vsearch --quiet --threads 2 --cluster_fast in.fa --id 0.9 --centroids out.fa --uc out.uc
fi
if begin cd-hit cd-hit; then
    family 4000 300 $protein >in.fa
    FILTER='s/.*//' go cd-hit cd-hit -T 1 -c 0.8 -i in.fa -o out
fi
report
