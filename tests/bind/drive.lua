local bin, cloud = scratch .. "/bin", scratch .. "/cloud"

local function sh(script)
  return os.execute("PATH=$PATH_BEFORE; " .. script)
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function program(name, text)
  write(bin .. "/" .. name, "#!/bin/sh\ncloud=" .. cloud .. "\n" .. text)
  sh("chmod +x " .. bin .. "/" .. name)
end

-- A remote is mounted as long as the file `mounted` is there. What was written is sent a little later.
local function install(remotes)
  sh(("rm -rf %s %s %s/drive && mkdir -p %s %s"):format(bin, cloud, scratch, bin, cloud))
  sh(("for p in sh mkdir ls cat rm mktemp sleep setsid grep; do ln -s $(command -v $p) %s/; done"):format(bin))
  if not remotes then return end
  write(cloud .. "/remotes", remotes)
  program("mountpoint", "[ -f $cloud/mounted ]\n")
  program("fusermount3", '[ -f $cloud/busy ] && { echo "$2: busy"; exit 1; }\nrm $cloud/mounted\n')
  program("rclone", [[
case $1 in
listremotes) cat $cloud/remotes ;;
mount)
  [ ! -f $cloud/refusal ] || { echo "NOTICE: first"; cat $cloud/refusal; exit 1; }
  mkdir -p "$5/vfsMeta/x"
  echo '"Dirty": true' >"$5/vfsMeta/x/file"
  [ -f $cloud/silence ] || : >$cloud/mounted
  echo "$*" >$cloud/arguments
  sleep 0.2
  [ -f $cloud/mounted ] && : >$cloud/sent && echo '"Dirty": false' >"$5/vfsMeta/x/file"
  while [ -f $cloud/mounted ] || [ -f $cloud/silence ]; do sleep 0.01; done ;;
esac
]])
end

local function content(name)
  local file = io.open(cloud .. "/" .. name)
  local text = file and file:read "a"
  if file then file:close() end
  return text
end

local folder = scratch .. "/drive"

test("mounted, and unmounted when all has gone up", function()
  install "gdrive: drive\nbox:    dropbox\n"
  drive.mount(folder)
  eq(output(), "Mounted at " .. folder .. "\n")
  ok(content "arguments":find("mount gdrive: " .. folder .. " --cache-dir ", 1, true), content "arguments")
  drive.mount(folder)
  ok(output():find "already mounted", "says so")
  drive.mount(folder, {force_remount = true, readonly = true, remote = "box:a b"})
  ok(content "arguments":find("mount box:a b ", 1, true) and content "arguments":find("--read-only", 1, true), content "arguments")
  output()
  drive.flush_and_unmount()
  eq(content "sent", "")
  eq(content "mounted", nil)
  drive.flush_and_unmount()
  eq(output(), "Drive not mounted, so nothing to flush and unmount.\n")
end)

test("which remote", function()
  install "one: sftp\n"
  drive.mount(folder)
  ok(content "arguments":find("mount one: ", 1, true), content "arguments")
  drive.flush_and_unmount(folder)
  install "a: sftp\nb: s3\n"
  fails('which remote? drive.mount(path, {remote = "a"}), or b', drive.mount, folder)
  fails("knows no remote 'c', but a, b", drive.mount, folder, "c")
  install "photos: drive\nwork: drive\n"
  fails("which remote?", drive.mount, folder)
  fails("did you mean 'photos'?", drive.mount, folder, {remote = "photo:x"})
  install ""
  fails("`rclone config` makes one", drive.mount, folder)
  install(nil)
  fails("needs rclone: sudo apt-get install rclone fuse3", drive.mount, folder)
end)

test("what goes wrong is said", function()
  install "gdrive: drive\n"
  fails("which folder?", drive.mount)
  sh("mkdir -p " .. folder)
  write(folder .. "/file", "")
  fails("must not already contain files", drive.mount, folder)
  sh("rm " .. folder .. "/file")
  fails("cannot create directory", drive.mount, cloud .. "/remotes/x")
  write(cloud .. "/refusal", "Fatal error: no permission\n")
  fails("rclone cannot mount gdrive:: Fatal error: no permission", drive.mount, folder)
  sh("rm " .. cloud .. "/refusal; : >" .. cloud .. "/silence")
  fails("gdrive: did not answer in time", drive.mount, folder, {timeout_ms = 100})
  sh("rm " .. cloud .. "/silence")
  drive.mount(folder)
  fails("are still on their way; it stays mounted", drive.flush_and_unmount, {timeout_ms = 50})
  write(cloud .. "/busy", "")
  fails("busy", drive.flush_and_unmount)
  sh("rm " .. cloud .. "/busy")
  drive.flush_and_unmount()
  output()
end)

test("names with quotes and spaces", function()
  install "gdrive: drive\n"
  local odd = scratch .. "/it's a $(drive)"
  drive.mount(odd)
  ok(content "arguments":find(odd, 1, true), content "arguments")
  drive.flush_and_unmount(odd)
  output()
end)
