-- Requests for wrk: wrk … -s load.lua URL -- KIND CALLERS PATH SEED
--   KIND     copy, get or list
--   CALLERS  a file with a line for each customer: authorization, customer, its employees; separated by blanks,
--            the blanks inside the authorization written as +
--   PATH     what is asked for; {} stands for the employee (get) or the customer (list)
--   SEED     makes the choices repeatable
-- wrk itself corrects its percentiles for requests that a slow answer has kept from being sent.

local customers = {}
local kind

local function head(method, path, authorization, more)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
    "\r\nAuthorization: " .. authorization .. "\r\n" .. (more or "") .. "\r\n"
end

local function fill(path, id)
  return (path:gsub("{}", id))
end

function init(args)
  kind = args[1]
  local path = args[3]
  math.randomseed(tonumber(args[4]))
  for line in io.lines(args[2]) do
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    local authorization, customer = words[1]:gsub("+", " "), words[2]
    local employees = { unpack(words, 3) }
    if kind == "copy" then
      local length = #'{"_id":"","copyTo":""}' + 2 * #employees[1]
      local more = "Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n"
      local half = math.floor(#employees / 2)
      customers[#customers + 1] = {
        head = head("POST", path, authorization, more) .. '{"_id":"',
        employees = employees,
        half = half,
        last = {},
      }
    elseif kind == "get" then
      local requests = {}
      for i, employee in ipairs(employees) do requests[i] = head("GET", fill(path, employee), authorization) end
      customers[#customers + 1] = requests
    else
      customers[#customers + 1] = head("GET", fill(path, customer), authorization)
    end
  end
end

-- From the first half of the employees to the second, never twice in a row the same source:
-- every copy changes its target.
local function copy(customer)
  local employees, half, last = customer.employees, customer.half, customer.last
  local target = math.random(half + 1, #employees)
  local source = ((last[target] or 0) + math.random(half - 1)) % half
  last[target] = source
  return customer.head .. employees[source + 1] .. '","copyTo":"' .. employees[target] .. '"}'
end

function request()
  local customer = customers[math.random(#customers)]
  if kind == "copy" then return copy(customer) end
  if kind == "get" then return customer[math.random(#customer)] end
  return customer
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"bytes":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.bytes,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
