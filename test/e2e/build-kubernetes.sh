#!/usr/bin/env bash
# Builds kube-apiserver and the other components of a node from Debian's own source package: no registry, no
# download site, nothing that Debian has not signed. About five minutes on two cores, 1.4 GiB of memory, 1.9 GB of
# disk while it runs. Needs the packages that tools.mjs names.
#
# usage: build-kubernetes.sh VERSION FOLDER
set -euo pipefail
VERSION=$1 FOLDER=$(realpath -m "$2")
COMPONENTS=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet)
SUITE=bookworm # the release whose kubernetes package holds the API server

say () { printf '%4d s  %s\n' "$SECONDS" "$*" >&2; }

mkdir -p "$(dirname "$FOLDER")"
WORK=$(mktemp -d "$(dirname "$FOLDER")/build.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cd "$WORK"

# lists of our own, so that the machine's stay as they are, and nobody needs to be root
MIRROR=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' | awk -v suite="$SUITE" '$2 == suite { print $1; exit }')
[ -n "$MIRROR" ] || { echo "apt knows no mirror of Debian $SUITE: set KUBE_APISERVER to a kube-apiserver of your own" >&2; exit 1; }
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $MIRROR $SUITE main" >sources.list
mkdir -p lists/partial
SOURCES=(-qq -o "Dir::Etc::SourceList=$WORK/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$WORK/lists"
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=)

say "Downloading the source of kubernetes $VERSION from $MIRROR"
apt-get "${SOURCES[@]}" update
apt-get "${SOURCES[@]}" source --download-only "kubernetes=$VERSION"
say 'Unpacking'
tar --extract --gzip --file kubernetes_*.orig.tar.gz
TREE=$(echo "$WORK"/kubernetes-*/)
RELEASE=$(basename "$TREE" | sed 's/^kubernetes-//; s/+.*//')

export GOPATH=$TREE/.go GO111MODULE=off CGO_ENABLED=0 GOCACHE=$WORK/gocache
mkdir -p "$GOPATH/src/k8s.io"
ln -s ../../.. "$GOPATH/src/k8s.io/kubernetes"
cd "$GOPATH/src/k8s.io/kubernetes"

say 'Generating the OpenAPI code, which the package lacks'
go build -o "$GOPATH/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
TYPES=$(grep --recursive --files-with-matches --extended-regexp '^// *\+k8s:openapi-gen=' --include='*.go' staging/src pkg |
  grep --invert-match --extended-regexp '_test|/testdata/|_examples|sample-' | xargs --max-args=1 dirname | sort --unique |
  sed -e 's#^staging/src/#k8s.io/kubernetes/vendor/#' -e 's#^pkg/#k8s.io/kubernetes/pkg/#' | paste --serial --delimiters=,)
"$GOPATH/bin/openapi-gen" --logtostderr -v 0 -h hack/boilerplate/boilerplate.generatego.txt -O zz_generated.openapi \
  -p k8s.io/kubernetes/pkg/generated/openapi -r "$WORK/violations" -i "$TYPES"

say "Compiling Kubernetes $RELEASE, the long step"
(while sleep 30; do say "… $(find "$GOCACHE" -name '*-a' | wc -l) pieces compiled"; done) & TICKER=$!
trap 'kill "$TICKER" 2>/dev/null || true; rm -rf "$WORK"' EXIT
IFS=. read -r MAJOR MINOR _ <<<"$RELEASE"
STAMPS=
# --version reads the one, GET /version another: Helm asks the latter
for package in vendor/k8s.io/component-base/version vendor/k8s.io/client-go/pkg/version pkg/version; do
  for stamp in "gitVersion=v$RELEASE" "gitMajor=$MAJOR" "gitMinor=$MINOR" gitTreeState=clean gitCommit=debian; do
    STAMPS+=" -X k8s.io/kubernetes/$package.$stamp"
  done
done
mkdir "$WORK/output"
go build -trimpath -o "$WORK/output/" -ldflags "-s -w$STAMPS" "${COMPONENTS[@]/#/./cmd/}"

# at once or not at all: half of them in the cache would stay there
mv --no-target-directory "$WORK/output" "$FOLDER"
say "Done: $("$FOLDER/kube-apiserver" --version)"
