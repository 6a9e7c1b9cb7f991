-- model:save and load_model; fit that is interrupted anywhere and goes on in another model ends as it would have.
local L = keras.layers
local x, y = tensor.random.normal({50, 6, 6, 1}, {seed = 1}), tensor.arange(50) % 3
local folder = scratch .. "/backup"

local function network()
  keras.utils.set_random_seed(200)
  local model = keras.Sequential{L.Conv2D(2, 3, {input_shape = {6, 6, 1}, activation = "relu"}), L.BatchNormalization(),
    keras.Sequential{L.Dropout(0.25), L.Flatten()}, L.Dense(3, {activation = "softmax"})}
  model:compile{optimizer = keras.optimizers.Adam(0.01), loss = "sparse_categorical_crossentropy", metrics = {"accuracy"}}
  return model
end

local function train(model, more)
  return model:fit(x, y, {verbose = 0, epochs = 3, batch_size = 8, validation_split = 0.2, callbacks = more})
end

local function state(model)
  local values = model:get_weights()
  for _, v in ipairs(model.optimizer.variables) do values[#values + 1] = v:numpy() end
  return values
end

-- Raises an error at a moment: "epoch" 1, or "batch" 3 of epoch 1.
local function stopper(epoch, batch)
  local stop = keras.callbacks.Callback()
  function stop:on_epoch_begin(n) self.epoch = n end
  function stop:on_train_batch_end(n) if self.epoch == epoch and n == batch then error "power cut" end end
  return stop
end

local function there(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local twin = network()
local history = train(twin)

local function resumes(freq, epoch, batch)
  local model = network()
  fails("power cut", train, model, {keras.callbacks.BackupAndRestore(folder, {save_freq = freq}), stopper(epoch, batch)})
  ok(there(folder .. "/backup.celda"))
  model = network()
  tensor.random.normal{3} -- what was drawn meanwhile does not matter
  local resumed = train(model, {keras.callbacks.BackupAndRestore(folder, {save_freq = freq})})
  eq(state(model), state(twin))
  eq(resumed.history.loss[#resumed.epoch], history.history.loss[3])
  eq(resumed.history.accuracy[#resumed.epoch], history.history.accuracy[3])
  eq(resumed.history.val_loss[#resumed.epoch], history.history.val_loss[3])
  ok(not there(folder), "the backup is still there")
end

test("training goes on after an epoch", function()
  resumes("epoch", 1, 0)
  resumes("epoch", 2, 3)
end)

test("training goes on within an epoch", function()
  resumes(1, 0, 2)
  resumes(2, 1, 3)
  resumes(5, 1, 4) -- the last batch of an epoch
  resumes(3, 2, 3)
end)

test("a backup stays if it is to, and of another model is refused", function()
  local callback = keras.callbacks.BackupAndRestore(folder, {delete_checkpoint = false})
  train(network(), {callback})
  ok(there(folder .. "/backup.celda"))
  local other = keras.Sequential{L.Flatten{input_shape = {6, 6, 1}}, L.Dense(3)}
  other:compile{optimizer = "sgd", loss = "sparse_categorical_crossentropy"}
  fails("is of another model", train, other, {keras.callbacks.BackupAndRestore(folder)})
  os.remove(folder .. "/backup.celda")
  fails("backup_dir", keras.callbacks.BackupAndRestore)
  fails("save_freq", keras.callbacks.BackupAndRestore, folder, {save_freq = "batch"})
  fails("cannot make the folder", train, network(), {keras.callbacks.BackupAndRestore("/nowhere/x")})
end)

test("a model in a file", function()
  local model, path = network(), scratch .. "/m.celda"
  train(model)
  model:save(path)
  output()
  local loaded = keras.models.load_model(path)
  eq(loaded:predict(x, {verbose = 0}), model:predict(x, {verbose = 0}))
  keras.utils.set_random_seed(5)
  train(model)
  keras.utils.set_random_seed(5)
  train(loaded)
  eq(state(loaded), state(model))
  fails("is there already", model.save, model, path, {overwrite = false})
  fails("safetensors", model.save, model, scratch .. "/m.keras")
  celda.save(path, {1})
  fails("holds no model", keras.models.load_model, path)
  network():save(path) -- of what was compiled and not trained
  ok(keras.models.load_model(path).built)
  for name, t in pairs(safetensors.load(path)) do ok(t.shape ~= x.shape and t.size < 1000 or t.dtype == "uint8", name) end
end)

test("ModelCheckpoint keeps models, too", function()
  local model, path = network(), scratch .. "/c{epoch:02d}.celda"
  train(model, {keras.callbacks.ModelCheckpoint(path)})
  eq(state(keras.models.load_model(scratch .. "/c03.celda")), state(model))
end)
