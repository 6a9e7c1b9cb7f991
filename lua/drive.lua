--- Cloud storage as a folder, as in Colab: Google Drive and whatever else rclone reaches. A file that is written goes up when
-- it is closed, from a cache that outlives rclone: what has not gone up yet does so after the next mount.
local core = require "celda.core"
local drive = {}

local servers = {} -- the rclone that serves a mount point, by its path: {pid =, cache =}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- What a shell script prints, without the last line end, and its exit status.
local function run(script, ...)
  local arguments = {}
  for i, value in ipairs {...} do arguments[i] = quote(value) end
  local pipe = io.popen(("sh -c %s drive %s 2>&1"):format(quote(script), table.concat(arguments, " ")))
  local text = pipe:read "a"
  local _, _, status = pipe:close()
  return text:gsub("%s+$", ""), status
end

local function is_mounted(path) return select(2, run('mountpoint -q "$1"', path)) == 0 end

-- ---- which remote -------------------------------------------------------------------------------------------------------

-- The remotes that rclone knows: lists of names, of all and of those on Google Drive.
local function remotes()
  local text, status = run "command -v rclone >/dev/null || exit 127; rclone listremotes --long"
  if status == 127 then
    core.raise("OSError", "drive.mount needs rclone: sudo apt-get install rclone fuse3, then rclone config")
  end
  if status ~= 0 then core.raise("OSError", "rclone listremotes: %s", text) end
  local all, google = {}, {}
  for name, kind in text:gmatch "([^\n]-):%s+(%S+)" do
    all[#all + 1] = name
    if kind == "drive" then google[#google + 1] = name end
  end
  return all, google
end

-- "name:" or "name:folder" of what the user named; else of the only Google Drive, else of the only remote there is.
local function choose(remote)
  local all, google = remotes()
  if remote then
    local name = remote:match "^([^:]*)"
    if name == "" then return remote end -- ":sftp,host=...:" and the like
    for _, known in ipairs(all) do
      if known == name then return remote:find ":" and remote or remote .. ":" end
    end
    local near = core.nearest(name, all)
    core.raise("ValueError", "drive.mount: rclone knows no remote '%s'%s", name, near and ("; did you mean '%s'?"):format(near)
      or #all > 0 and ", but " .. table.concat(all, ", ") or "; rclone config makes one")
  end
  local only = #google == 1 and google[1] or #all == 1 and all[1]
  if only then return only .. ":" end
  core.raise("ValueError", #all == 0 and "drive.mount: rclone knows no remote; `rclone config` makes one (storage 'drive' is Google Drive)"
    or 'drive.mount: which remote? drive.mount(path, {remote = "%s"}), or %s', all[1], table.concat(all, ", ", 2))
end

-- ---- mounting -----------------------------------------------------------------------------------------------------------

-- Makes the folder; its absolute path.
local function prepare(mountpoint)
  local path, status = run('mkdir -p -- "$1" && cd -- "$1" && pwd -P', mountpoint)
  if status ~= 0 then core.raise("OSError", "drive.mount: %s", path) end
  return path
end

-- Where rclone keeps the remote's files that were written: a place of their own, to see when there are none left.
local function cache_of(remote)
  local base = os.getenv "XDG_CACHE_HOME" or (os.getenv "HOME" or "") .. "/.cache"
  return base .. "/celda/drive/" .. remote:gsub("[^%w._-]", "_")
end

-- Starts rclone in a session of its own and waits until it serves the path, a twentieth of a second at a time. It sends a file
-- a second after it was closed: rclone 1.60 forgets what is renamed while it is on its way, as a saved file is at once.
local START = [[
log=$(mktemp) || exit 1
setsid rclone mount "$1" "$2" --cache-dir "$5" --vfs-cache-mode writes --vfs-write-back 1s $3 >"$log" 2>&1 </dev/null &
pid=$! left=$4
while ! mountpoint -q "$2"; do
  kill -0 $pid 2>/dev/null || { cat "$log"; rm -f "$log"; exit 1; }
  [ $((left = left - 50)) -ge 0 ] || { kill $pid; rm -f "$log"; exit 2; }
  sleep 0.05
done
rm -f "$log"
echo $pid]]

--- drive.mount(mountpoint[, remote, force_remount, readonly, timeout_ms = 120000])
-- Shows a remote's files in a folder, which stays mounted when celda ends.
-- remote is one of rclone's ("gdrive", "gdrive:photos"); without it the only Google Drive there is. `rclone config` makes one.
function drive.mount(...)
  local mountpoint, remote, force_remount, readonly, timeout_ms =
    core.args("drive.mount", {"mountpoint", "remote", "force_remount", "readonly", "timeout_ms"}, ...)
  if type(mountpoint) ~= "string" then core.raise("TypeError", 'drive.mount: which folder? drive.mount("drive")') end
  remote = choose(remote)
  local path = prepare(mountpoint)
  if is_mounted(path) then
    if not force_remount then
      print(("Drive already mounted at %s; to attempt to forcibly remount, call drive.mount(%q, {force_remount = true}).")
        :format(mountpoint, mountpoint))
      return
    end
    drive.flush_and_unmount(mountpoint)
  end
  if run('ls -A -- "$1"', path) ~= "" then
    core.raise("ValueError", "Mountpoint must not already contain files: %s", mountpoint)
  end
  local cache = cache_of(remote)
  local text, status =
    run(START, remote, path, readonly and "--read-only" or "", ("%d"):format(timeout_ms or 120000), cache)
  if status == 2 then core.raise("TimeoutError", "drive.mount: %s did not answer in time", remote) end
  if status ~= 0 then core.raise("OSError", "drive.mount: rclone cannot mount %s: %s", remote, text:match "[^\n]*$") end
  servers[path] = {pid = text, cache = cache}
  print("Mounted at " .. mountpoint)
end

-- Waits until rclone has sent what was written: it leaves without, when it is unmounted. Then unmounts.
local STOP = [[
left=$4
wait_while() {
  while "$@"; do
    [ $((left = left - 50)) -ge 0 ] || exit 2
    sleep 0.05
  done
}
is_dirty() { [ -n "$1" ] && grep -rqs '"Dirty": true' "$1/vfsMeta"; }
runs() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }
wait_while is_dirty "$3"
{ command -v fusermount3 >/dev/null && fusermount3 -u "$1"; } || fusermount -u "$1" || exit 1
wait_while runs "$2"]]

--- drive.flush_and_unmount([mountpoint, timeout_ms = 86400000])
-- Waits until all that was written has gone up, and unmounts.
-- Without a folder: what drive.mount mounted in this session.
function drive.flush_and_unmount(...)
  local mountpoint, timeout_ms = core.args("drive.flush_and_unmount", {"mountpoint", "timeout_ms"}, ...)
  local paths = mountpoint and {prepare(mountpoint)} or {}
  for path in pairs(mountpoint and {} or servers) do paths[#paths + 1] = path end
  if #paths == 0 or mountpoint and not is_mounted(paths[1]) then
    print "Drive not mounted, so nothing to flush and unmount."
    return
  end
  for _, path in ipairs(paths) do
    local server = servers[path] or {pid = "", cache = ""}
    local text, status = run(STOP, path, server.pid, server.cache, ("%d"):format(timeout_ms or 86400000))
    if status == 2 then
      core.raise("TimeoutError", "drive.flush_and_unmount: files of %s are still on their way; it stays mounted", path)
    end
    if status ~= 0 then core.raise("OSError", "drive.flush_and_unmount: %s", text) end
    servers[path] = nil
  end
end

return core.strict(drive, "drive")
