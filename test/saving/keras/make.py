# Makes the files of this folder with Keras 3 (torch backend) and h5py: python make.py
import os; os.environ['KERAS_BACKEND']='torch'
import keras, json, numpy as np, sys
L=keras.layers; rng=np.random.default_rng(0)
def lab(m,name,xs,train=True,y=None):
    out=m.predict(xs,verbose=0); outs=out if isinstance(out,list) else [out]
    ins=xs if isinstance(xs,list) else [xs]
    d={f'x{i}':np.asarray(x) for i,x in enumerate(ins)}; d.update({f'y{i}':o for i,o in enumerate(outs)})
    np.savez(f'{name}.npz',**d); m.save(f'{name}.keras'); m.save(f'{name}.h5'); m.save_weights(f'{name}.weights.h5')
r=lambda *s: rng.normal(size=s).astype('f4')
one=lambda name,layers,shape,dtype='float32',x=None: (lambda m: lab(m,name,x if x is not None else r(2,*shape)))(keras.Sequential([keras.Input(shape,dtype=dtype)]+layers))
def tryone(name,*a,**k):
    try: one(name,*a,**k)
    except Exception as e: print(name,'ERR',str(e)[:150])
img=(6,6,3)
S=[('dense',[L.Dense(3,activation='gelu',kernel_regularizer='l2',kernel_constraint=keras.constraints.MaxNorm(2))],(4,)),
('acts',[L.Dense(4,activation=a) for a in 'relu sigmoid tanh softmax softplus softsign swish selu elu exponential linear relu6 hard_sigmoid leaky_relu log_softmax mish'.split()],(4,)),
('conv',[L.Conv2D(4,3,padding='same',activation='relu'),L.BatchNormalization(),L.MaxPooling2D(),L.DepthwiseConv2D(2,depth_multiplier=2),L.SeparableConv2D(3,2,padding='same'),L.GlobalAveragePooling2D()],img),
('convt',[L.Conv2DTranspose(2,3,strides=2),L.UpSampling2D(2,interpolation='bilinear'),L.AveragePooling2D(2,padding='same'),L.ZeroPadding2D(1),L.Cropping2D(((1,0),(0,1))),L.Flatten()],img),
('conv1',[L.Conv1D(4,3,dilation_rate=2,padding='causal'),L.SeparableConv1D(3,2),L.Conv1DTranspose(2,2),L.MaxPooling1D(),L.GlobalMaxPooling1D(keepdims=True)],(8,3)),
('conv3',[L.Conv3D(2,2),L.Conv3DTranspose(2,2),L.MaxPooling3D(),L.GlobalAveragePooling3D()],(5,5,5,2)),
('rnn',[L.Bidirectional(L.LSTM(3,return_sequences=True),merge_mode='sum'),L.GRU(4,return_sequences=True),L.GRU(2,return_sequences=True,reset_after=False),L.SimpleRNN(3,go_backwards=True,return_sequences=True),L.RNN([L.GRUCell(2),L.LSTMCell(3),L.LSTMCell(2)],return_sequences=True),L.RNN(L.SimpleRNNCell(2))],(5,3)),
('td',[L.TimeDistributed(L.Dense(3)),L.TimeDistributed(keras.Sequential([keras.Input((3,)),L.Dense(2),L.LayerNormalization()])),L.Permute((2,1)),L.Reshape((-1,5)),L.RepeatVector(2) if False else L.Flatten()],(5,4)),
('norm',[L.LayerNormalization(),L.GroupNormalization(2),L.BatchNormalization(scale=False,momentum=.8),L.UnitNormalization() if False else L.Activation('tanh')],(5,4)),
('act',[L.ReLU(max_value=1.,negative_slope=.1),L.LeakyReLU(negative_slope=.2),L.PReLU(shared_axes=[1]),L.ELU(.5),L.Softmax(axis=1)],(5,4)),
('convlstm',[L.ConvLSTM2D(2,2,return_sequences=True),L.ConvLSTM2D(2,2)],(3,5,5,2)),
('prep',[L.Rescaling(1/255.,offset=-1),L.Resizing(4,4),L.CenterCrop(3,3),L.RandomFlip(seed=1),L.RandomRotation(.1),L.RandomZoom(.1),L.RandomTranslation(.1,.1),L.RandomContrast(.1),L.RandomBrightness(.1),L.GaussianNoise(.1),L.GaussianDropout(.1),L.AlphaDropout(.1),L.SpatialDropout2D(.2),L.Dropout(.2,seed=4)],(6,6,3)),
('mask',[L.Masking(),L.LSTM(3)],(5,4)),
]
for s in S: tryone(*s)
tryone('emb',[L.Embedding(7,3,mask_zero=True),L.LSTM(2,return_sequences=True),L.GlobalAveragePooling1D(),L.Dense(2)],(5,),'int32',rng.integers(0,7,(2,5)).astype('i4'))
def fun():
    a=keras.Input((4,),name='a'); b=keras.Input((4,),name='b'); d=L.Dense(3,name='shared'); x=d(a); y=d(b)
    outs=[L.Add()([x,y]),L.Subtract()([x,y]),L.Multiply()([x,y]),L.Average()([x,y]),L.Maximum()([x,y]),L.Minimum()([x,y]),L.Dot(1)([x,y]),L.Concatenate(axis=-1)([x,y])]
    inner=keras.Model(a,L.Dense(2)(L.BatchNormalization()(a)),name='inner')
    z=L.Concatenate()([inner(b),inner(a),outs[-1]]); z2=L.Reshape((4,-1) if False else (2,5))(z); m=L.MultiHeadAttention(2,3,value_dim=2,output_shape=4)(z2,z2); m2=L.MultiHeadAttention(1,2)(z2,m,z2) if False else L.MultiHeadAttention(1,2)(query=z2,value=z2)
    M=keras.Model([a,b],outs+[m,m2],name='fun'); lab(M,'fun',[r(2,4),r(2,4)])
try: fun()
except Exception as e: print('fun ERR',e)
def emb():
    i=keras.Input((5,),dtype='int32'); x=L.Embedding(7,3,mask_zero=True)(i); x=L.LSTM(2,return_sequences=True)(x); x=L.GRU(2)(x); M=keras.Model(i,x); lab(M,'embf',rng.integers(0,7,(2,5)).astype('i4'))
try: emb()
except Exception as e: print('embf ERR',e)
def st():
    i=keras.Input((5,3)); e,h,c=L.LSTM(2,return_state=True)(i); d=L.LSTM(2,return_sequences=True)(i,initial_state=[h,c]); M=keras.Model(i,[d,e]); lab(M,'state',r(2,5,3))
try: st()
except Exception as e: print('state ERR',e)
# training
hist={}
for o in ['SGD','SGDm','RMSprop','RMSpropc','Adagrad','Adadelta','Adam','AdamA','AdamW','Adamax','Nadam','Ftrl']:
    O={'SGDm':lambda:keras.optimizers.SGD(.1,momentum=.9,nesterov=True),'RMSpropc':lambda:keras.optimizers.RMSprop(.01,momentum=.5,centered=True),'AdamA':lambda:keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(.01,2,.9),amsgrad=True,clipnorm=1.)}.get(o,lambda: getattr(keras.optimizers,o)(.05))()
    m=keras.Sequential([keras.Input((4,)),L.Dense(3,activation='relu'),L.Dense(1)]); m.compile(O,loss=keras.losses.Huber(),metrics=['mae',keras.metrics.RootMeanSquaredError()])
    x=r(8,4); y=r(8,1); m.fit(x,y,epochs=2,shuffle=False,batch_size=4,verbose=0)
    m.save(f'opt_{o}.keras'); m.save(f'opt_{o}.h5'); h=m.fit(x,y,epochs=2,shuffle=False,batch_size=4,verbose=0)
    np.savez(f'opt_{o}.npz',x0=x,y0=y,h=np.array(h.history['loss'],'f4'),mae=np.array(h.history['mae'],'f4'))

import h5py
def fill(f, many):
    for i in range(many):
        g=f.create_group(f'group{i:03d}'); 
        for k in range(3 if i else many):
            a=np.arange(6,dtype='f4').reshape(2,3)+i*10+k; g.create_dataset(f'd{k}',data=a)
        for k in range(2 if i else 40): g.attrs[f'attr{k}']=f'välue {i} {k}'
        g.attrs['weight_names']=[f'a{i}/kernel:0'.encode(), b'b']
    f.attrs['names']=['x','yy']; f.attrs['cfg']='{"a":1}'; f.attrs['big']='z'*70000
    f.attrs['fixed']=np.bytes_('fix'); f.attrs['empty']=[]
    d=np.arange(1000,dtype='f8').reshape(10,100)
    f.create_dataset('gz',data=d,chunks=(3,7),compression='gzip',shuffle=True,fletcher32=True)
    f.create_dataset('ch',data=d,chunks=(4,100)); f.create_dataset('one',data=d,chunks=(10,100),compression='gzip')
    f.create_dataset('sc',data=np.float32(3)); f.create_dataset('be',data=np.arange(3,dtype='>i4')); f.create_dataset('h',data=np.array([1,2.5],dtype='f2'))
    f.create_dataset('bl',data=np.array([True,False])); f.create_dataset('i64',data=np.array([1,-2],dtype='i8')); f.create_dataset('u8',data=np.array([1,200],dtype='u1')); f.create_dataset('em',data=np.zeros((0,3),dtype='f4'))
    f.create_dataset('c8',data=np.ones((2,),dtype='c8'))
for name,kw,many in (('old',{},12),('latest',dict(libver='latest'),12)):
    with h5py.File(name+'.h5','w',**kw) as f: fill(f,many)
