# Ends the processes of a group and removes its folder as soon as its owner is gone, however the owner ended.
#
# Standard input is a pipe that only the owner holds. Its lines: the id of a process that joined the group, `detach`
# (from then on the lines come from the named pipe `control` in the folder) and `end`. Standard output is the folder's
# lock, which is held for as long as this process lives.
folder=$1
members=
trap : HUP INT TERM
while read -r line; do
  case $line in
    detach) mkfifo -m 600 "$folder/control" && exec 0<>"$folder/control" ;;
    end) break ;;
    *) members="$members $line" ;;
  esac
done
kill -KILL $members
for try in 1 2 3 4 5; do
  rm -rf -- "$folder" && break
  sleep 0.1
done
kill -KILL 0
